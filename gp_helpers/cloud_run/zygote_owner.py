"""The owner's side of the zygote: one warm parent a Python process, shared by all its hosts.

A process whose environment names another one's zygote (`ZYGOTE_VARIABLE`) uses that instead of
importing everything once more.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from gp_helpers.cloud_run.errors import HostClosedError, PreloadError
from gp_helpers.cloud_run.messages import MessageReader, encode
from gp_helpers.cloud_run.sockets import close_quietly

_END_TIMEOUT_S = 5.0
_BOOT = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from gp_helpers.cloud_run.zygote import main
main(*map(int, sys.argv[2:]))
"""
_ONE_THREAD_EACH = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"
)
"""Numerical libraries would start threads when imported, and a zygote must have just one."""


ZYGOTE_VARIABLE = "GOLDEN_PATH_ZYGOTE"
"""Names the Unix socket of a zygote that its owner shares."""


class Zygote(Protocol):
    """What a host needs of a zygote."""

    def open_session(self) -> socket.socket:
        """Return a session's socket; the services started on it end when it closes."""
        ...

    def preload(self, modules: Sequence[str]) -> None:
        """Import `modules` in the zygote, those that are not there yet; `PreloadError`."""
        ...


class SharedZygote:
    """The zygote of another process, which shares it at a Unix socket."""

    def __init__(self, path: str) -> None:
        self._path = path

    def open_session(self) -> socket.socket:
        session = socket.socket(socket.AF_UNIX)
        try:
            session.connect(self._path)
        except OSError as error:
            session.close()
            raise HostClosedError(f"the shared zygote cannot be reached: {error}") from error
        return session

    def preload(self, modules: Sequence[str]) -> None:
        with self.open_session() as session:
            _preload(session, MessageReader(session), modules)


class ZygoteOwner:
    """Starts the zygote and holds the socket whose end means its end."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self.pid = 0
        self._environment = dict(environment or {})
        self._owner_pid = os.getpid()
        self._lock = threading.Lock()
        self._preloaded: set[str] = set()
        self._socket, zygote_end = socket.socketpair()
        self._reader = MessageReader(self._socket)
        lifeline, self._lifeline_end = os.pipe()
        started = threading.Event()
        self._keeper = threading.Thread(
            target=self._keep,
            args=(zygote_end.fileno(), lifeline, started),
            name="zygote-keeper",
            daemon=True,
        )
        self._keeper.start()
        started.wait()
        zygote_end.close()
        os.close(lifeline)
        if self.pid == 0:
            self.close()
            raise HostClosedError("the zygote could not be started")

    def _keep(self, zygote_end: int, lifeline: int, started: threading.Event) -> None:
        """Start the zygote and outlive it: the kernel kills it when this *thread* ends."""
        arguments = [zygote_end, lifeline, self._owner_pid]
        try:
            process = subprocess.Popen(
                [sys.executable, "-c", _BOOT, json.dumps(sys.path), *map(str, arguments)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(zygote_end, lifeline),
                env={**os.environ, **_ONE_THREAD_EACH, **self._environment},
                # A Ctrl-C at the terminal, or a kernel's interrupt, goes to the process group.
                start_new_session=True,
            )
            self.pid = process.pid
        finally:
            started.set()
        process.wait()

    @property
    def is_alive(self) -> bool:
        """Whether the zygote runs, and belongs to this process (not to one it was forked from)."""
        return self._owner_pid == os.getpid() and self._keeper.is_alive()

    def open_session(self) -> socket.socket:
        """Return a session's socket; the services started on it end when it closes."""
        mine, its = socket.socketpair()
        try:
            with self._lock, its:
                socket.send_fds(self._socket, [encode({"command": "session"})], [its.fileno()])
        except OSError as error:
            mine.close()
            raise HostClosedError("the zygote has ended") from error
        return mine

    def preload(self, modules: Sequence[str]) -> None:
        """Import `modules` in the zygote, those that are not there yet; returns when it is done.

        Raises:
            PreloadError: a module cannot be imported, or starts threads.
        """
        with self._lock:
            missing = [name for name in modules if name not in self._preloaded]
            if not missing:
                return
            _preload(self._socket, self._reader, missing)
            self._preloaded.update(missing)

    def share(self, path: Path) -> None:
        """Let other processes of this user begin sessions at a Unix socket at `path`.

        The caller owns the file and its folder, which nobody else may enter. Sharing at another
        path ends this one.
        """
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
            listener.listen()
            try:
                with self._lock:
                    command = encode({"command": "listen"})
                    socket.send_fds(self._socket, [command], [listener.fileno()])
            except OSError as error:
                raise HostClosedError("the zygote has ended") from error

    def close(self) -> None:
        """End the zygote and every service; returns when they are gone."""
        self._socket.close()
        with contextlib.suppress(OSError):
            os.close(self._lifeline_end)
        if self._owner_pid == os.getpid():
            self._keeper.join(_END_TIMEOUT_S)

    def let_go(self) -> None:
        """In a process forked from the owner: hold none of the ends whose closing is a signal."""
        self._socket.close()
        close_quietly(self._lifeline_end)


def _preload(connection: socket.socket, reader: MessageReader, modules: Sequence[str]) -> None:
    command = {"command": "preload", "modules": list(modules), "sys_path": sys.path}
    try:
        connection.sendall(encode(command))
    except OSError as error:
        raise HostClosedError("the zygote has ended") from error
    answers = reader.read()
    while answers == []:
        answers = reader.read()
    if not answers:
        raise HostClosedError("the zygote ended while it imported modules")
    if answers[0]["event"] != "preloaded":
        raise PreloadError(answers[0]["reason"])


_current: ZygoteOwner | None = None
_current_lock = threading.Lock()


def own_zygote(environment: Mapping[str, str] | None = None) -> ZygoteOwner:
    """Return this process's own zygote, started if need be, then with this in its environment."""
    global _current
    with _current_lock:
        if _current is None or not _current.is_alive:
            _current = ZygoteOwner(environment)
        return _current


def warm_zygote(preload: Sequence[str] = ()) -> Zygote:
    """Return the zygote that this process uses, with `preload` imported (blocking).

    It is the one that is shared with this process, or its own, started if need be.
    """
    path = os.environ.get(ZYGOTE_VARIABLE)
    if path is not None and _current is None:
        shared = SharedZygote(path)
        # Whoever shared it may have ended; what this process starts must not depend on that.
        with contextlib.suppress(HostClosedError):
            shared.preload(preload)
            return shared
    owner = own_zygote()
    owner.preload(preload)
    return owner


def close_zygote() -> None:
    """End this process's zygote, if it has one, with all services of all hosts."""
    global _current
    with _current_lock:
        owner, _current = _current, None
    if owner is not None:
        owner.close()


def _forget_after_fork() -> None:
    global _current, _current_lock
    _current_lock = threading.Lock()
    if _current is not None:
        _current.let_go()
        _current = None


atexit.register(close_zygote)
os.register_at_fork(after_in_child=_forget_after_fork)
