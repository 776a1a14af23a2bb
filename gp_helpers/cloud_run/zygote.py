"""The zygote: a clean, single-threaded process with imports done, from which services are forked.

It belongs to one Python process, its owner, whose death it notices in two ways: the owner's socket
reports end of file, and the kernel kills it (Linux). Whoever starts services has a *session*, a
socket of its own; when a session's socket closes, its services are killed, frozen ones included.
An owner may share it: other processes then begin sessions at a Unix socket.
"""

from __future__ import annotations

import importlib
import os
import selectors
import signal
import socket
import sys
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gp_helpers.cloud_run import service_process
from gp_helpers.cloud_run.death import die_with_parent
from gp_helpers.cloud_run.garbage import spare_what_is_there
from gp_helpers.cloud_run.messages import MessageReader, encode
from gp_helpers.cloud_run.sockets import close_quietly

_END_OF_A_THREAD_S = 1.0


@dataclass(eq=False)
class _Session:
    """One holder of services: a host of the owner, or a service that starts others."""

    connection: socket.socket
    reader: MessageReader
    pids: dict[int, int] = field(default_factory=dict)
    """Process ids by the number that the session gave the service."""
    is_ended: bool = False


class Zygote:
    """Forks services on request and kills those whose session has ended."""

    def __init__(self, owner: socket.socket, owner_lifeline: int) -> None:
        self._owner = owner
        self._owner_reader = MessageReader(owner)
        self._owner_lifeline = owner_lifeline
        self._own_lifeline, self._own_lifeline_end = os.pipe()
        self._sessions: set[_Session] = set()
        self._listener: socket.socket | None = None
        """Where other processes begin sessions, if the owner shares its zygote."""
        self._session_of: dict[int, tuple[_Session, int]] = {}
        self._selector = selectors.DefaultSelector()
        self._wakeup, self._wakeup_end = socket.socketpair()
        self._must_end = False
        self._pid = os.getpid()

    def serve(self) -> None:
        """Serve until the owner's socket closes, or SIGTERM; nothing is left afterwards."""
        for end in (self._owner, self._wakeup, self._wakeup_end):
            end.setblocking(False)
        signal.set_wakeup_fd(self._wakeup_end.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, self._end)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        self._selector.register(self._owner, selectors.EVENT_READ, self._read_owner)
        self._selector.register(self._wakeup, selectors.EVENT_READ, self._read_wakeup)
        try:
            while not self._must_end:
                for key, _ in self._selector.select():
                    if isinstance(key.data, _Session):
                        self._read_session(key.data)
                    else:
                        key.data()
        finally:
            self._kill_all()

    def _end(self, *_: object) -> None:
        self._must_end = True

    def _kill_all(self) -> None:
        for pid in list(self._session_of):
            _kill_group(pid)
        for pid in list(self._session_of):
            os.waitpid(pid, 0)

    def _read_wakeup(self) -> None:
        self._wakeup.recv(4096)
        self._reap()

    def _read_owner(self) -> None:
        messages = self._owner_reader.read()
        if messages is None:
            self._must_end = True
            return
        for message in messages:
            if message["command"] == "session":
                [descriptor] = self._owner_reader.take_descriptors(1)
                self._add_session(socket.socket(fileno=descriptor))
            elif message["command"] == "listen":
                [descriptor] = self._owner_reader.take_descriptors(1)
                self._listen(socket.socket(fileno=descriptor))
            elif message["command"] == "preload":
                self._owner.setblocking(True)
                self._owner.sendall(encode(preload(message["modules"], message["sys_path"])))
                self._owner.setblocking(False)

    def _listen(self, listener: socket.socket) -> None:
        if self._listener is not None:
            self._selector.unregister(self._listener)
            self._listener.close()
        listener.setblocking(False)
        self._listener = listener
        self._selector.register(listener, selectors.EVENT_READ, self._accept)

    def _accept(self) -> None:
        assert self._listener is not None
        with suppress(OSError):
            connection, _ = self._listener.accept()
            self._add_session(connection)

    def _add_session(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        session = _Session(connection, MessageReader(connection))
        self._sessions.add(session)
        self._selector.register(connection, selectors.EVENT_READ, session)

    def _read_session(self, session: _Session) -> None:
        messages = session.reader.read()
        if messages is None:
            self._end_session(session)
            return
        for message in messages:
            if message["command"] == "spawn":
                self._spawn(session, message)
            elif message["command"] == "signal":
                self._signal(session, message["id"], message["signal"])
            elif message["command"] == "preload":
                self._tell(session, preload(message["modules"], message["sys_path"]))

    def _end_session(self, session: _Session) -> None:
        session.is_ended = True
        self._selector.unregister(session.connection)
        for pid in session.pids.values():
            _kill_group(pid)
        self._close_if_done(session)

    def _close_if_done(self, session: _Session) -> None:
        if session.is_ended and not session.pids:
            session.connection.close()
            self._sessions.discard(session)

    def _spawn(self, session: _Session, message: dict[str, Any]) -> None:
        listener, status = session.reader.take_descriptors(2)
        launcher, launcher_end = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            launcher.close()
            self._become_service(message, listener, status, launcher_end)
        launcher_end.close()
        for descriptor in (listener, status):
            close_quietly(descriptor)
        with suppress(PermissionError, ProcessLookupError):
            # The child does the same; whichever comes first, its group exists from now on.
            os.setpgid(pid, pid)
        session.pids[message["id"]] = pid
        self._session_of[pid] = (session, message["id"])
        self._add_session(launcher)
        self._tell(session, {"event": "spawned", "id": message["id"], "pid": pid})

    def _become_service(
        self, message: dict[str, Any], listener: int, status: int, launcher: socket.socket
    ) -> None:
        """Turn this forked child into the service; never returns."""
        try:
            signal.set_wakeup_fd(-1)
            self._selector.close()
            for connection in (
                self._owner,
                self._wakeup,
                self._wakeup_end,
                *filter(None, [self._listener]),
                *(session.connection for session in self._sessions),
            ):
                connection.close()
            for session in self._sessions:
                session.reader.close_descriptors()
            os.close(self._own_lifeline_end)
            service_process.run(
                message,
                listener=socket.socket(fileno=listener),
                status=socket.socket(fileno=status),
                launcher=launcher,
                lifelines=(self._owner_lifeline, self._own_lifeline),
                zygote_pid=self._pid,
            )
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)

    def _signal(self, session: _Session, number: int, signal_number: int) -> None:
        pid = session.pids.get(number)
        if pid is None:
            return
        if signal_number == signal.SIGTERM:
            os.kill(pid, signal_number)
        else:
            os.killpg(pid, signal_number)
        self._tell(session, {"event": "signalled", "id": number, "signal": signal_number})

    def _reap(self) -> None:
        while self._session_of:
            found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if found is None:
                return
            # While it is a zombie its group's number cannot be given to another process.
            _kill_group(found.si_pid)
            os.waitpid(found.si_pid, 0)
            if found.si_pid not in self._session_of:
                continue
            session, number = self._session_of.pop(found.si_pid)
            del session.pids[number]
            how = "code" if found.si_code == os.CLD_EXITED else "signal"
            self._tell(session, {"event": "exited", "id": number, how: found.si_status})
            self._close_if_done(session)

    def _tell(self, session: _Session, event: dict[str, Any]) -> None:
        if session.is_ended:
            return
        try:
            session.connection.sendall(encode(event))
        except OSError:
            self._end_session(session)


def _kill_group(pid: int) -> None:
    # macOS reports EPERM for a group whose only member is a zombie.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def preload(modules: list[str], sys_path: list[str]) -> dict[str, Any]:
    """Import `modules` here, so that services are forked with them; return what to answer.

    A name ``module:function`` has the function called, too: what it keeps is there in each fork.
    """
    sys.path[:] = sys_path
    for name in modules:
        module_name, _, function = name.partition(":")
        try:
            module = importlib.import_module(module_name)
            if function:
                getattr(module, function)()
        except Exception:
            return {"event": "preload_failed", "reason": f"{name}:\n{traceback.format_exc()}"}
        threads = _threads_that_stay()
        if threads > 1:
            return {
                "event": "preload_failed",
                "reason": f"{name} starts threads ({threads - 1}), "
                "and a forked service must not inherit their locks",
            }
    spare_what_is_there()
    return {"event": "preloaded"}


def _threads_that_stay() -> int:
    """How many threads there are; the system needs a moment to end one that Python has ended."""
    tasks = Path("/proc/self/task")
    if not tasks.exists():
        return 1
    until = time.monotonic() + _END_OF_A_THREAD_S
    while (threads := len(list(tasks.iterdir()))) > 1 and time.monotonic() < until:
        time.sleep(0.001)
    return threads


_WHAT_EVERY_SERVICE_NEEDS = [
    "anyio._backends._asyncio",
    "encodings.idna",
    "gp_helpers.cloud_run.logs:set_levels",
    "gp_helpers.cloud_run.process_host",
    "uvicorn.lifespan.on",
    "uvicorn.protocols.http.httptools_impl",
    "uvicorn.protocols.websockets.websockets_sansio_impl",
]
"""Modules that uvicorn and Starlette would import, by name, in each service."""


def main(owner: int, owner_lifeline: int, owner_pid: int) -> None:
    """Run the zygote on inherited descriptors; called by the owner's `subprocess.Popen`."""
    die_with_parent(owner_pid)
    preload(_WHAT_EVERY_SERVICE_NEEDS, sys.path)
    Zygote(socket.socket(fileno=owner), owner_lifeline).serve()
