"""Timers that are late by microseconds instead of milliseconds.

`loop.call_at` is late by up to 2 ms. A precise timer is scheduled 2 ms early and then asks again at
each turn of the loop, which costs up to 2 ms of processor time and leaves the loop free for others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

SPIN_S = 0.002
"""How long before its time a timer starts to spin."""


class PreciseTimer:
    """Calls back at a time of the loop's clock, not before and hardly after."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, when: float, callback: Callable[[], None]
    ) -> None:
        self.when = when
        self._loop = loop
        self._callback = callback
        self._handle: asyncio.Handle = loop.call_at(when - SPIN_S, self._spin)

    def _spin(self) -> None:
        if self._loop.time() >= self.when:
            self._callback()
        else:
            self._handle = self._loop.call_soon(self._spin)

    def cancel(self) -> None:
        """Do not call back."""
        self._handle.cancel()


async def sleep_until(when: float) -> None:
    """Return at `when`, a time of the running loop's clock."""
    loop = asyncio.get_running_loop()
    if when <= loop.time():
        return
    woken = asyncio.Event()
    timer = PreciseTimer(loop, when, woken.set)
    try:
        await woken.wait()
    finally:
        timer.cancel()
