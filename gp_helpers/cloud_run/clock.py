"""The ingress's own time, which a trial may step instead of waiting for it.

A limit that two services watch (a life that ends before a cut) is a race on a busy machine; stepped
one after the other, they meet it in order.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Clock:
    """The running loop's time, shifted by `offset_s`."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._moments: dict[asyncio.Timeout, float] = {}
        self.offset_s = 0.0

    def time(self) -> float:
        """Seconds, monotonic as long as the offset only grows."""
        return self._loop.time() + self.offset_s

    def set_offset(self, offset_s: float) -> None:
        """Replace the offset; what has run out by it runs out at once."""
        self.offset_s = offset_s
        for timeout, moment in self._moments.items():
            if not timeout.expired():
                timeout.reschedule(moment - offset_s)

    @asynccontextmanager
    async def timeout_at(self, moment: float) -> AsyncIterator[None]:
        """Like `asyncio.timeout_at`, by this clock.

        Raises:
            TimeoutError: the moment came before the block had ended.
        """
        async with asyncio.timeout_at(moment - self.offset_s) as timeout:
            self._moments[timeout] = moment
            try:
                yield
            finally:
                del self._moments[timeout]
