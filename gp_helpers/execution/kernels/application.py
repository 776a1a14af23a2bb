"""ipykernel's application with four changes: printed text is recorded, what child processes print
belongs to the cell that ran them, no message is dropped, and it ends when it is told to.

ZeroMQ drops what a slow subscriber has not read once a thousand messages wait; with ``XPUB_NODROP``
the kernel waits instead, so its memory stays bounded and the notebook complete.
"""

from __future__ import annotations

import codecs
import fcntl
import os
import selectors
import sys
import termios
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import zmq
from ipykernel.iostream import OutStream
from ipykernel.kernelapp import IPKernelApp
from traitlets import DottedObjectName

from gp_helpers.execution.kernels.recorder import Recorder

_recording: Path | None = None


class RecordedStream(OutStream):
    """Standard output or error of a kernel."""

    def __init__(self, session: Any, pub_thread: Any, name: str, **options: Any) -> None:
        assert _recording is not None, "only run_kernel makes these"
        self._recorder = Recorder(_recording, name)
        # A signal handler of the user's may print while the main thread is here.
        self._taking = threading.RLock()
        self.redact: Callable[[str], str] = str
        """What is printed passes it before it is recorded or published."""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        super().__init__(session, pub_thread, name, **options)  # type: ignore[no-untyped-call]

    def _watch_pipe_fd(self) -> None:
        """Take what child processes print, as ipykernel does, but so that `flush` can, too."""
        pipe = self._fid
        assert pipe is not None, "only a stream that watches a pipe calls this"
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(pipe, selectors.EVENT_READ)
                while selector.select() and self._should_watch:
                    self._take_from_the_pipe()
        except Exception:
            self._exc = sys.exc_info()

    def _take_from_the_pipe(self) -> None:
        pipe = self._fid
        assert pipe is not None, "only a stream that watches a pipe takes from it"
        with self._taking:
            # At most what waits now: a child process may print without an end.
            if size := _waiting_in(pipe):
                content = os.read(pipe, size)
                self.write(self._decoder.decode(content))
                os.write(self._original_stdstream_copy, content)

    def flush(self) -> None:
        # What a child process has printed by now belongs to this cell: ipykernel's thread may
        # come to it when the next cell runs, or never.
        if self._should_watch and self._is_master_process():  # type: ignore[no-untyped-call]
            self._take_from_the_pipe()
        # It is called six times a cell, and waits for the thread that publishes. What that thread
        # has begun to send it sends before all that comes later.
        with self._buffer_lock:
            is_anything_new = bool(self._buffers)
        if is_anything_new:
            super().flush()  # type: ignore[no-untyped-call]

    def write(self, string: str) -> int | None:  # type: ignore[override]
        if isinstance(string, str):
            string = self.redact(string)
            self._recorder.note(string)
        return super().write(string)


def _waiting_in(pipe: int) -> int:
    """How many bytes can be read from a pipe at once."""
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)


class KernelApplication(IPKernelApp):
    """A Python kernel of the runner."""

    outstream_class = DottedObjectName(f"{__name__}.RecordedStream", allow_none=True)

    def _bind_socket(self, s: zmq.Socket[Any], port: int) -> Any:
        if s.socket_type == zmq.XPUB:
            s.setsockopt(zmq.XPUB_NODROP, 1)
        return super()._bind_socket(s, port)  # type: ignore[no-untyped-call]


def run_kernel(connection_file: str, recording: Path) -> None:
    """Be the kernel; returns when it has been told to shut down."""
    global _recording
    _recording = recording
    application = KernelApplication.instance()
    arguments = ["-f", connection_file, "--HistoryManager.hist_file=:memory:"]
    with without_debugger():
        application.initialize(arguments)  # type: ignore[no-untyped-call]
    # Its handler drops what is below this level; each cell would make four such records first.
    application.log.setLevel(application.log_level)
    try:
        application.start()  # type: ignore[no-untyped-call]
    finally:
        _end_control(application.control_thread)


def _end_control(thread: Any) -> None:
    """End the control thread while the thread that publishes its last message is still there.

    ipykernel ends them the other way round: up to a fifth of all kernels then waited for ever.
    """
    if thread is not None and thread.is_alive():
        thread.stop()
        thread.join()


@contextmanager
def without_debugger() -> Iterator[None]:
    """ipykernel goes without ``debugpy``, most of a warm kernel's start: nobody debugs it."""
    if "debugpy" in sys.modules:
        yield
        return
    sys.modules["debugpy"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules["debugpy"]
