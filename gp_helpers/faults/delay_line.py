"""A pure delay line: items go in with the time, and come out in order when they are due.

It does no I/O and reads no clock. The TCP proxy sends chunks of bytes through it; whatever has an
order and a size, WebSocket frames for instance, can go through it as well.
"""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

T = TypeVar("T")


class Direction(Enum):
    """Which way bytes travel."""

    TO_SERVER = "to_server"
    TO_CLIENT = "to_client"

    @property
    def opposite(self) -> Direction:
        """The other way."""
        return Direction.TO_CLIENT if self is Direction.TO_SERVER else Direction.TO_SERVER


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """How long one direction takes."""

    latency_s: float = 0.0
    jitter_s: float = 0.0
    """Up to so much more, drawn evenly for each item; the order is kept."""
    bytes_per_s: float | None = None
    """Bandwidth; ``None``: unlimited."""

    def __post_init__(self) -> None:
        if self.latency_s < 0 or self.jitter_s < 0:
            raise ValueError("latency and jitter cannot be negative")
        if self.bytes_per_s is not None and self.bytes_per_s <= 0:
            raise ValueError("a bandwidth must be above 0 bytes per second")


NO_DELAY = Delay()


@dataclass(frozen=True, slots=True)
class Departure(Generic[T]):
    """An item that is due."""

    item: T
    arrived_at: float
    due_at: float

    @property
    def requested_s(self) -> float:
        """The delay that the item was given."""
        return self.due_at - self.arrived_at


class DelayLine(Generic[T]):
    """Holds items until they are due, in order."""

    def __init__(self, random_source: random.Random) -> None:
        self.delay = NO_DELAY
        """For items that arrive from now on."""
        self._random = random_source
        self._held: deque[Departure[T]] = deque()
        self._line_is_free_at = 0.0
        self._last_due = 0.0

    def __len__(self) -> int:
        return len(self._held)

    def push(self, item: T, size: int, now: float, *, extra_s: float = 0.0) -> None:
        """Take in an item of `size` bytes at `now`, which takes `extra_s` more than others."""
        jitter = self._random.uniform(0, self.delay.jitter_s) if self.delay.jitter_s else 0.0
        sent_at = now
        if self.delay.bytes_per_s is not None:
            sent_at = max(now, self._line_is_free_at) + size / self.delay.bytes_per_s
            self._line_is_free_at = sent_at
        due = max(sent_at + self.delay.latency_s + jitter + extra_s, self._last_due)
        self._last_due = due
        self._held.append(Departure(item, now, due))

    def pop_due(self, now: float) -> list[Departure[T]]:
        """Take out what is due at `now`, in order."""
        due = []
        while self._held and self._held[0].due_at <= now:
            due.append(self._held.popleft())
        return due

    def next_due(self) -> float | None:
        """When the next item is due; ``None`` if there is none."""
        return self._held[0].due_at if self._held else None

    def clear(self) -> None:
        """Drop what is held."""
        self._held.clear()
