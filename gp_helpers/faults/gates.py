"""Order gates: hold a message until another event has passed, so that a race is made by ordering.

The decision is pure (`offer`); `pass_through` waits for it on the running loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class GateTimeout(Exception):
    """Raised when the event that a held message waits for has not passed in time."""

    def __init__(self, message: object, seconds: float) -> None:
        super().__init__(f"the awaited event did not pass within {seconds} s; held: {message!r}")


class OrderGate(Generic[T]):
    """Holds messages that match `hold` until one that matches `until` has passed.

    Args:
        hold: Which messages to hold.
        until: The event that opens the gate, for good; it is itself never held.
        give_up_after_s: Longest wait of a held message; ``None``: as long as it takes.
    """

    def __init__(
        self,
        *,
        hold: Callable[[T], bool],
        until: Callable[[T], bool],
        give_up_after_s: float | None = None,
    ) -> None:
        self._hold = hold
        self._until = until
        self._give_up_after_s = give_up_after_s
        self._opened = asyncio.Event()
        self.held: list[T] = []
        """Every message that was held, in the order in which they came."""
        self.opened_by: T | None = None
        """The event that opened the gate."""

    @property
    def is_open(self) -> bool:
        """Whether messages pass now."""
        return self._opened.is_set()

    def offer(self, message: T) -> bool:
        """Tell the gate that `message` is here; return whether it may pass now."""
        if not self.is_open and self._until(message):
            self.opened_by = message
            self._opened.set()
        if self.is_open or not self._hold(message):
            return True
        self.held.append(message)
        return False

    def open(self) -> None:
        """Let everything pass from now on."""
        self._opened.set()

    async def pass_through(self, message: T) -> None:
        """Return when `message` may pass.

        Raises:
            GateTimeout: the awaited event did not pass in time.
        """
        if self.offer(message):
            return
        try:
            async with asyncio.timeout(self._give_up_after_s):
                await self._opened.wait()
        except TimeoutError:
            assert self._give_up_after_s is not None
            raise GateTimeout(message, self._give_up_after_s) from None
