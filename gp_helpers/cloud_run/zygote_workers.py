"""What a zygote has given out: sessions, the processes of their services, and those that are idle.

An idle process was a service that ended in good order; it may be another one of the same code.
"""

from __future__ import annotations

import os
import signal
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from gp_helpers.cloud_run.messages import MessageReader, encode
from gp_helpers.cloud_run.processes import signal_child

MOST_IDLE = 8
"""Idle processes of the same code: twice as many as a run has notebooks side by side by default."""


@dataclass(eq=False)
class Session:
    """One holder of services: a host of the owner, or a service that starts others."""

    connection: socket.socket
    reader: MessageReader
    workers: dict[int, Worker] = field(default_factory=dict)
    """Its services' processes by the number that the session gave the service."""
    is_ended: bool = False


@dataclass(eq=False)
class Worker:
    """A forked process, which is one service after another."""

    pid: int
    entry: str
    """The code of its services, always the same."""
    connection: socket.socket
    reader: MessageReader
    holder: tuple[Session, int] | None = None
    """Whose service it is, and by which number; ``None`` while it is idle."""
    may_serve_again: bool = True
    """It was sent no signal but SIGTERM: a frozen one would begin nothing."""

    def signal(self, number: int) -> None:
        """Send a signal: SIGTERM to the service, any other to what it has started, too."""
        if number == signal.SIGTERM:
            os.kill(self.pid, number)
        else:
            self.may_serve_again = False
            signal_child(self.pid, number)

    def kill(self) -> None:
        """End it, and what it has started, at once."""
        self.signal(signal.SIGKILL)

    def give(self, message: dict[str, Any], descriptors: list[int]) -> bool:
        """Have it, while it waits, be another service; whether it is still there."""
        data = encode(message)
        self.connection.setblocking(True)
        try:
            sent = socket.send_fds(self.connection, [data], descriptors)
            self.connection.sendall(data[sent:])
        except OSError:
            return False
        finally:
            self.connection.setblocking(False)
        return True


class IdleWorkers:
    """The processes that may be the same code's service once more."""

    def __init__(self) -> None:
        self._by_entry: dict[str, list[Worker]] = {}

    def keep(self, worker: Worker) -> bool:
        """Have it wait for another service; whether it may."""
        idle = self._by_entry.setdefault(worker.entry, [])
        if not worker.may_serve_again or len(idle) >= MOST_IDLE:
            return False
        idle.append(worker)
        return True

    def give(self, message: dict[str, Any], descriptors: list[int]) -> Worker | None:
        """Return the process that is the service of `message` from now on; ``None`` if none is."""
        idle = self._by_entry.get(message["spec"]["entry"], [])
        while idle:
            # The last one first: what it has copied may be in the processor's caches still.
            worker = idle.pop()
            if worker.give(message, descriptors):
                return worker
        return None

    def drop(self, worker: Worker) -> None:
        """Forget one that has ended."""
        with suppress(ValueError):
            self._by_entry.get(worker.entry, []).remove(worker)
