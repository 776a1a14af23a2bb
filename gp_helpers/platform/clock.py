"""A service's own clock, with an offset that a trial may set.

Expiries, cool-downs, caches and the lives of connections read it, so that an edge in time is
crossed by stepping the offset and not by waiting. Time-outs of real I/O use the loop's time.
"""

from __future__ import annotations

import time

import anyio


class Clock:
    """Wall time and monotonic time of one service, both shifted by `offset_s`."""

    def __init__(self, offset_s: float = 0.0) -> None:
        self.offset_s = offset_s
        self._stepped = anyio.Event()

    def now(self) -> float:
        """Seconds since the epoch, as this service believes."""
        return time.time() + self.offset_s

    def monotonic(self) -> float:
        """Platform seconds for cool-downs and cache lives; jumps only with the offset."""
        return time.monotonic() + self.offset_s

    def set_offset(self, offset_s: float) -> None:
        """Replace the offset; it is absolute, so setting it twice changes nothing more."""
        self.offset_s = offset_s
        stepped, self._stepped = self._stepped, anyio.Event()
        stepped.set()

    async def sleep_until(self, moment: float) -> None:
        """Return when `monotonic` has come to `moment`: by itself, or by a step."""
        while (left_s := moment - self.monotonic()) > 0:
            with anyio.move_on_after(left_s):
                await self._stepped.wait()
