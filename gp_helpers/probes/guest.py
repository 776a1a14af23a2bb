"""Being a guest: the limits that a target states are held by the clients, and counted."""

from __future__ import annotations

import time
import urllib.parse
from dataclasses import dataclass, field

from gp_helpers.parameters.description import Limits


class LimitReachedError(Exception):
    """A request or connection would go beyond what the target allows; it was not made."""

    def __init__(self, limit: str, allowed: object, wanted: object) -> None:
        super().__init__(
            f"not sent: the target's limits.{limit} allows {allowed}, this would be {wanted}"
        )
        self.limit = limit


@dataclass
class Guest:
    """Counts what was done to a target, and refuses what its limits do not allow.

    ``limits`` None is a platform of our own, on loopback: counted, not limited.
    """

    limits: Limits | None
    requests: int = 0
    connections: int = 0
    open_connections: int = 0
    hosts: dict[str, int] = field(default_factory=dict)
    refused: int = 0
    _began: float = field(default_factory=time.monotonic)
    _slots: float = 0.0

    def admit_request(self, url: str) -> None:
        """Count one HTTP request, or raise `LimitReachedError`."""
        self._admit(url, "requests", self.requests + 1)
        self.requests += 1

    def admit_connection(self, url: str) -> None:
        """Count one WebSocket connection, or raise `LimitReachedError`."""
        self._admit(url, "connections", self.connections + 1)
        self.connections += 1

    def seconds_until_allowed(self) -> float:
        """How long the next request has to wait so that the stated rate holds; 0 without one."""
        if self.limits is None or self.limits.rate_per_s is None:
            return 0.0
        now = time.monotonic()
        self._slots = max(self._slots, now)
        wait = self._slots - now
        self._slots += 1 / self.limits.rate_per_s
        return wait

    def counted(self) -> dict[str, object]:
        """What was done so far, for the evidence."""
        return {
            "requests": self.requests,
            "connections": self.connections,
            "hosts": dict(self.hosts),
            "refused": self.refused,
            "seconds": round(time.monotonic() - self._began, 3),
        }

    def _admit(self, url: str, limit: str, wanted: int) -> None:
        host = urllib.parse.urlsplit(url).netloc.rpartition("@")[2]
        if self.limits is not None:
            try:
                self._hold(self.limits, host, limit, wanted)
            except LimitReachedError:
                self.refused += 1
                raise
        self.hosts[host] = self.hosts.get(host, 0) + 1

    def _hold(self, limits: Limits, host: str, limit: str, wanted: int) -> None:
        name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
        if limits.hosts and host not in limits.hosts and name not in limits.hosts:
            raise LimitReachedError("hosts", ", ".join(limits.hosts), host)
        allowed = getattr(limits, limit)
        if wanted > allowed:
            raise LimitReachedError(limit, allowed, wanted)
        elapsed = time.monotonic() - self._began
        if elapsed > limits.seconds:
            raise LimitReachedError("seconds", limits.seconds, round(elapsed, 1))
