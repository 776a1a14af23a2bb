"""What happens to requests at a HTTP hop, decided without I/O.

A plan is a list of interventions; each applies to the next requests that match it, the first one
that still has requests left first. What no intervention wants passes unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class HttpMessage:
    """A request at the hop, or the response to it: what matchers and gates look at."""

    number: int
    """Of the request, counted from 1."""
    method: str
    path: str
    """Without the query."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """The request's; names in lower case."""
    status: int | None = None
    """``None`` for a request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Which requests an intervention is for; what is not given matches all."""

    method: str | None = None
    path_prefix: str = "/"
    after: int = 0
    """Only requests with a greater number."""

    def matches(self, message: HttpMessage) -> bool:
        """Return whether `message` is meant."""
        return (self.method is None or self.method.upper() == message.method) and (
            message.path.startswith(self.path_prefix) and message.number > self.after
        )


ANY_REQUEST = Match()


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer in the server's place; it never hears of the request."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Hold:
    """Hold the request for so long, then forward it."""

    seconds: float


@dataclass(frozen=True, slots=True)
class NeverAnswer:
    """Read the request and stay silent until the client leaves."""


@dataclass(frozen=True, slots=True)
class LoseResponse:
    """Forward the request, then break the connection when the response begins: it was done."""


Intervention = Answer | Hold | NeverAnswer | LoseResponse


@dataclass(slots=True)
class Planned:
    """An intervention with the number of requests that it still applies to."""

    intervention: Intervention
    match: Match
    remaining: int | None
    """``None``: until it is taken back."""
    applied_to: list[int] = field(default_factory=list)
    """Numbers of the requests that it was applied to."""

    @property
    def is_over(self) -> bool:
        """Whether it applies to no further request."""
        return self.remaining == 0


class HttpFaultPlan:
    """The interventions that are planned at one hop, in order."""

    def __init__(self) -> None:
        self._planned: list[Planned] = []

    def add(
        self, intervention: Intervention, *, times: int | None = 1, match: Match = ANY_REQUEST
    ) -> Planned:
        """Plan `intervention` for the next `times` matching requests (``None``: all of them)."""
        planned = Planned(intervention, match, times)
        self._planned.append(planned)
        return planned

    def clear(self) -> None:
        """Take back what is planned."""
        for planned in self._planned:
            planned.remaining = 0
        self._planned.clear()

    def next_for(self, message: HttpMessage) -> Intervention | None:
        """Return what to do with the request, and count it; ``None``: let it pass."""
        for planned in self._planned:
            if not planned.is_over and planned.match.matches(message):
                planned.applied_to.append(message.number)
                if planned.remaining is not None:
                    planned.remaining -= 1
                return planned.intervention
        return None
