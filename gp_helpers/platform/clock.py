"""A service's own clock, with an offset that a trial may set.

Expiries, cool-downs, caches, the lives of connections and a time-out that a trial crosses read it,
so that an edge in time is crossed by stepping the offset and not by waiting.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import anyio


class Clock:
    """Wall time and monotonic time of one service, both shifted by `offset_s`."""

    def __init__(self, offset_s: float = 0.0) -> None:
        self.offset_s = offset_s
        self._moments: dict[anyio.CancelScope, float] = {}

    def now(self) -> float:
        """Seconds since the epoch, as this service believes."""
        return time.time() + self.offset_s

    def monotonic(self) -> float:
        """Platform seconds for cool-downs and cache lives; jumps only with the offset."""
        return time.monotonic() + self.offset_s

    def set_offset(self, offset_s: float) -> None:
        """Replace the offset; it is absolute, so setting it twice changes nothing more."""
        self.offset_s = offset_s
        for scope, moment in self._moments.items():
            scope.deadline = anyio.current_time() + moment - self.monotonic()

    @contextmanager
    def fail_after(self, seconds: float) -> Iterator[None]:
        """Like `anyio.fail_after`, by this clock: a step across the end ends it at once."""
        moment = self.monotonic() + seconds
        with anyio.fail_after(seconds) as scope:
            self._moments[scope] = moment
            try:
                yield
            finally:
                del self._moments[scope]

    async def sleep_until(self, moment: float) -> None:
        """Return when `monotonic` has come to `moment`: by itself, or by a step."""
        with suppress(TimeoutError), self.fail_after(moment - self.monotonic()):
            await anyio.sleep_forever()
