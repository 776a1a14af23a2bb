"""Being a guest: the limits that a target states are held by the clients, and counted.

The budget is one run's: where several processes work for a run, they share a ledger in its folder.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import re
import time
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gp_helpers.parameters.description import Limits

_DEFAULT_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}


class LimitReachedError(Exception):
    """A request or connection would go beyond what the target allows; it was not made."""

    def __init__(self, limit: str, allowed: object, beyond: str) -> None:
        super().__init__(f"the target's limits.{limit} allows {allowed}; {beyond}")
        self.limit = limit


def _not_sent(limit: str, allowed: object, wanted: object) -> LimitReachedError:
    return LimitReachedError(limit, allowed, f"not sent: this would be {wanted}")


@dataclass
class Spent:
    """What was done to a target so far."""

    requests: int = 0
    connections: int = 0
    most_users: int = 0
    refused: int = 0
    """Requests and connections that were not made, because a limit was reached."""
    hosts: dict[str, int] = field(default_factory=dict)
    began: float | None = None
    """On the system's monotonic clock, which processes share."""
    next_slot: float = 0.0
    """When the stated rate allows the next request."""


@dataclass
class Guest:
    """Counts what is done to a target, and refuses what its limits do not allow.

    ``limits`` None is a platform of our own, on loopback: counted, not limited.
    """

    limits: Limits | None
    ledger: Path | None = None
    """A file in which all processes of a run count together; None counts for this one alone."""
    _spent: Spent = field(default_factory=Spent)
    _began: float | None = None

    def __post_init__(self) -> None:
        at_once = self.limits.concurrent_users if self.limits is not None else None
        self._turns = asyncio.Semaphore(at_once) if at_once is not None else nullcontext()

    @property
    def turn(self) -> AbstractAsyncContextManager[None]:
        """What a request holds while it is under way: no more are than users are allowed."""
        return self._turns

    def bounded(self, seconds: float) -> float:
        """A wait of so long, or what is left of the seconds that the target allows."""
        if self.limits is None or self._began is None:
            return seconds
        left = self._began + self.limits.seconds - time.monotonic()
        return max(0.0, min(seconds, left))

    def out_of_time(self, beyond: str) -> LimitReachedError:
        """What is raised where the time that the target allows is used up."""
        return LimitReachedError("seconds", self.limits and self.limits.seconds, beyond)

    async def admit_request(self, url: str) -> None:
        """Count one HTTP request once the rate allows it, or raise `LimitReachedError`."""
        await self._admit(url, "requests", lambda spent: spent.requests + 1)

    async def admit_connection(self, url: str) -> None:
        """Count one WebSocket connection likewise."""
        await self._admit(url, "connections", lambda spent: spent.connections + 1)

    def admit_user(self, users: int) -> None:
        """Count the users who are connected together, or raise `LimitReachedError`."""
        if self.limits is not None and users > self.limits.concurrent_users:
            with self._opened() as spent:
                spent.refused += 1
            raise _not_sent("concurrent_users", self.limits.concurrent_users, users)
        with self._opened() as spent:
            spent.most_users = max(spent.most_users, users)

    def counted(self) -> dict[str, object]:
        """What was done so far, for the evidence."""
        with self._opened() as spent:
            return {
                "requests": spent.requests,
                "connections": spent.connections,
                "users_at_once": spent.most_users,
                "hosts": dict(spent.hosts),
                "refused": spent.refused,
                "seconds": round(time.monotonic() - (spent.began or time.monotonic()), 3),
            }

    async def _admit(self, url: str, limit: str, wanted: Callable[[Spent], int]) -> None:
        host = host_of(url)
        with self._opened() as spent:
            now = time.monotonic()
            spent.began = spent.began if spent.began is not None else now
            self._began = spent.began
            turn = self._turn(spent, now)
            try:
                self._hold(spent, url, limit, wanted(spent), turn)
            except LimitReachedError:
                spent.refused += 1
                raise
            setattr(spent, limit, wanted(spent))
            spent.hosts[host] = spent.hosts.get(host, 0) + 1
            if self.limits is not None and self.limits.rate_per_s is not None:
                spent.next_slot = turn + 1 / self.limits.rate_per_s
        if turn > now:
            await asyncio.sleep(turn - now)

    def _turn(self, spent: Spent, now: float) -> float:
        """When the stated rate allows one more."""
        has_rate = self.limits is not None and self.limits.rate_per_s is not None
        return max(spent.next_slot, now) if has_rate else now

    def _hold(self, spent: Spent, url: str, limit: str, wanted: int, when: float) -> None:
        limits = self.limits
        if limits is None:
            return
        if limits.hosts and not {one.casefold() for one in limits.hosts} & _names_of(url):
            raise _not_sent("hosts", ", ".join(limits.hosts), host_of(url))
        allowed = getattr(limits, limit)
        if wanted > allowed:
            raise _not_sent(limit, allowed, wanted)
        elapsed = when - (spent.began or when)
        if elapsed > limits.seconds:
            raise _not_sent("seconds", limits.seconds, round(elapsed, 1))

    @contextmanager
    def _opened(self) -> Iterator[Spent]:
        """What was spent, to be changed: from the ledger, which nobody else changes meanwhile."""
        if self.ledger is None:
            yield self._spent
            return
        with _locked(self.ledger.parent):
            known = self.ledger.exists()
            spent = Spent(**json.loads(self.ledger.read_text("utf-8"))) if known else Spent()
            try:
                yield spent
            finally:
                self._write(spent)

    def _write(self, spent: Spent) -> None:
        """Put a whole ledger in the place of the one before: a killed process leaves either."""
        assert self.ledger is not None
        beside = self.ledger.with_name(f".{self.ledger.name}.tmp")
        beside.write_text(json.dumps(_as_json(spent)), encoding="utf-8")
        os.replace(beside, self.ledger)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold a folder's lock, which leaves no file that would be no part of the evidence."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _as_json(spent: Spent) -> dict[str, Any]:
    return {name: getattr(spent, name) for name in Spent.__dataclass_fields__}


def host_of(url: str) -> str:
    """``name:port`` of a URL, or ``name`` where it states no port."""
    return urllib.parse.urlsplit(url).netloc.rpartition("@")[2]


def _names_of(url: str) -> set[str]:
    """How a target may name the host of a URL: with its port, the default one too, or without."""
    host = host_of(url).casefold()
    if re.search(r":\d*$", host):
        return {host, host.rpartition(":")[0]}
    return {host, f"{host}:{_DEFAULT_PORTS.get(urllib.parse.urlsplit(url).scheme)}"}
