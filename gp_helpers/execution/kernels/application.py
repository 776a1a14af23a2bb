"""ipykernel's application with two changes: printed text is recorded, no message is dropped.

ZeroMQ drops what a slow subscriber has not read once a thousand messages wait; with ``XPUB_NODROP``
the kernel waits instead, so its memory stays bounded and the notebook complete.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import zmq
from ipykernel.iostream import OutStream
from ipykernel.kernelapp import IPKernelApp
from traitlets import DottedObjectName

from gp_helpers.execution.kernels.recorder import Recorder

_recorder: Recorder | None = None


class RecordedStream(OutStream):
    """Standard output or error of a kernel."""

    def write(self, string: str) -> int | None:  # type: ignore[override]
        if _recorder is not None and isinstance(string, str):
            _recorder.note(self.name, string)
        return super().write(string)


class KernelApplication(IPKernelApp):
    """A Python kernel of the runner."""

    outstream_class = DottedObjectName(f"{__name__}.RecordedStream", allow_none=True)

    def _bind_socket(self, s: zmq.Socket[Any], port: int) -> Any:
        if s.socket_type == zmq.XPUB:
            s.setsockopt(zmq.XPUB_NODROP, 1)
        return super()._bind_socket(s, port)  # type: ignore[no-untyped-call]


def run_kernel(connection_file: str, recording: Path) -> None:
    """Be the kernel; returns when it has been told to shut down."""
    global _recorder
    _recorder = Recorder(recording)
    application = KernelApplication.instance()
    arguments = ["-f", connection_file, "--HistoryManager.hist_file=:memory:"]
    application.initialize(arguments)  # type: ignore[no-untyped-call]
    application.start()  # type: ignore[no-untyped-call]
