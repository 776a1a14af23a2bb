"""The zygote: a clean, single-threaded process with imports done, from which services are forked.

It belongs to one Python process, its owner, whose death it notices in two ways: the owner's socket
reports end of file, and the kernel kills it (Linux). Whoever starts services has a *session*, a
socket of its own; when a session's socket closes, its services are killed, frozen ones included.
An owner may share it: other processes then begin sessions at a Unix socket.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import sys
import traceback
from contextlib import suppress
from typing import Any

from gp_helpers.cloud_run.death import die_with_parent
from gp_helpers.cloud_run.messages import MessageReader, encode
from gp_helpers.cloud_run.preloading import WHAT_EVERY_SERVICE_NEEDS, preload
from gp_helpers.cloud_run.processes import kill_groups
from gp_helpers.cloud_run.service_process import Assignment
from gp_helpers.cloud_run.service_worker import work
from gp_helpers.cloud_run.sockets import close_quietly
from gp_helpers.cloud_run.zygote_workers import IdleWorkers, Session, Worker


class Zygote:
    """Forks services on request and kills those whose session has ended."""

    def __init__(self, owner: socket.socket, owner_lifeline: int) -> None:
        self._owner = owner
        self._owner_reader = MessageReader(owner)
        self._owner_lifeline = owner_lifeline
        self._own_lifeline, self._own_lifeline_end = os.pipe()
        self._sessions: set[Session] = set()
        self._listener: socket.socket | None = None
        """Where other processes begin sessions, if the owner shares its zygote."""
        self._workers: dict[int, Worker] = {}
        """By process id."""
        self._idle = IdleWorkers()
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
                    if isinstance(key.data, Session):
                        self._read_session(key.data)
                    elif isinstance(key.data, Worker):
                        self._read_worker(key.data)
                    else:
                        key.data()
        finally:
            self._kill_all()

    def _end(self, *_: object) -> None:
        self._must_end = True

    def _kill_all(self) -> None:
        # Who sees a service end is to know already that its session has: see `Host.is_cut_off`.
        for session in self._sessions:
            with suppress(OSError):
                session.connection.shutdown(socket.SHUT_RDWR)
        for worker in self._workers.values():
            worker.kill()
        for pid in self._workers:
            kill_groups(pid, self._workers.keys() - {pid})
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
        session = Session(connection, MessageReader(connection))
        self._sessions.add(session)
        self._selector.register(connection, selectors.EVENT_READ, session)

    def _read_session(self, session: Session) -> None:
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

    def _end_session(self, session: Session) -> None:
        session.is_ended = True
        self._selector.unregister(session.connection)
        for worker in session.workers.values():
            worker.kill()
        self._close_if_done(session)

    def _close_if_done(self, session: Session) -> None:
        if session.is_ended and not session.workers:
            session.connection.close()
            self._sessions.discard(session)

    def _spawn(self, session: Session, message: dict[str, Any]) -> None:
        listener, status = session.reader.take_descriptors(2)
        launcher, launcher_end = socket.socketpair()
        worker = self._idle.give(message, [listener, status, launcher_end.fileno()])
        if worker is None:
            worker = self._fork(message, listener, status, launcher_end, launcher)
        launcher_end.close()
        for descriptor in (listener, status):
            close_quietly(descriptor)
        worker.holder = (session, message["id"])
        session.workers[message["id"]] = worker
        self._add_session(launcher)
        self._tell(session, {"event": "spawned", "id": message["id"], "pid": worker.pid})

    def _fork(
        self,
        message: dict[str, Any],
        listener: int,
        status: int,
        launcher_end: socket.socket,
        launcher: socket.socket,
    ) -> Worker:
        mine, its = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            launcher.close()
            mine.close()
            self._become_worker(message, listener, status, launcher_end, its)
        its.close()
        mine.setblocking(False)
        with suppress(PermissionError, ProcessLookupError):
            # The child does the same; whichever comes first, its group exists from now on.
            os.setpgid(pid, pid)
        worker = Worker(pid, message["spec"]["entry"], mine, MessageReader(mine))
        self._workers[pid] = worker
        self._selector.register(mine, selectors.EVENT_READ, worker)
        return worker

    def _become_worker(
        self,
        message: dict[str, Any],
        listener: int,
        status: int,
        launcher: socket.socket,
        its: socket.socket,
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
                *(worker.connection for worker in self._workers.values()),
            ):
                connection.close()
            for session in self._sessions:
                session.reader.close_descriptors()
            os.close(self._own_lifeline_end)
            work(
                Assignment(
                    message, socket.socket(fileno=listener), socket.socket(fileno=status), launcher
                ),
                zygote=its,
                lifelines=(self._owner_lifeline, self._own_lifeline),
                zygote_pid=self._pid,
            )
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)

    def _read_worker(self, worker: Worker) -> None:
        if worker.connection.fileno() < 0:
            return  # Reaped since the selector saw it.
        messages = worker.reader.read()
        if messages is None:
            # It ends; how is known when it is reaped.
            self._selector.unregister(worker.connection)
            return
        for message in messages:
            self._let_go(worker, {"code": message["ended"]})
            if not self._idle.keep(worker):
                worker.kill()

    def _let_go(self, worker: Worker, how: dict[str, int]) -> None:
        """Tell whose service it is that it has ended."""
        if worker.holder is None:
            return
        session, number = worker.holder
        worker.holder = None
        del session.workers[number]
        self._tell(session, {"event": "exited", "id": number, **how})
        self._close_if_done(session)

    def _signal(self, session: Session, number: int, signal_number: int) -> None:
        worker = session.workers.get(number)
        if worker is None:
            return
        worker.signal(signal_number)
        self._tell(session, {"event": "signalled", "id": number, "signal": signal_number})

    def _reap(self) -> None:
        while self._workers:
            found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if found is None:
                return
            kill_groups(found.si_pid, self._workers.keys() - {found.si_pid})
            os.waitpid(found.si_pid, 0)
            worker = self._workers.pop(found.si_pid, None)
            if worker is None:
                continue
            with suppress(KeyError):
                self._selector.unregister(worker.connection)
            worker.connection.close()
            self._idle.drop(worker)
            how = "code" if found.si_code == os.CLD_EXITED else "signal"
            self._let_go(worker, {how: found.si_status})

    def _tell(self, session: Session, event: dict[str, Any]) -> None:
        if session.is_ended:
            return
        try:
            session.connection.sendall(encode(event))
        except OSError:
            self._end_session(session)


def main(owner: int, owner_lifeline: int, owner_pid: int) -> None:
    """Run the zygote on inherited descriptors; called by the owner's `subprocess.Popen`."""
    die_with_parent(owner_pid)
    preload(WHAT_EVERY_SERVICE_NEEDS, sys.path)
    Zygote(socket.socket(fileno=owner), owner_lifeline).serve()
