"""Start-up: the port listens first, the parts become ready afterwards, and readiness says when."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import anyio

logger = logging.getLogger(__name__)

_FIRST_PAUSE_S = 0.02
_LONGEST_PAUSE_S = 0.5

Part = Callable[[], Awaitable[Any]]


class Readiness:
    """Which parts of a starting service are ready; `ready` is set once all are."""

    def __init__(self, parts: tuple[str, ...]) -> None:
        self.ready = anyio.Event()
        self._parts = dict.fromkeys(parts, False)

    def part_is_ready(self, name: str) -> bool:
        return self._parts[name]

    def mark(self, name: str) -> None:
        """Say that a part is ready."""
        self._parts[name] = True
        if all(self._parts.values()):
            self.ready.set()

    def state(self) -> dict[str, bool]:
        return dict(self._parts)

    async def wait(self, timeout_s: float) -> bool:
        """Whether everything is ready within the time."""
        with anyio.move_on_after(timeout_s):
            await self.ready.wait()
        return self.ready.is_set()


async def warm_up(parts: Mapping[str, Part], readiness: Readiness) -> None:
    """Bring every part up, side by side, and again until it is; marks each in `readiness`."""
    async with anyio.create_task_group() as group:
        for name, part in parts.items():
            group.start_soon(_bring_up, name, part, readiness)


async def _bring_up(name: str, part: Part, readiness: Readiness) -> None:
    pause_s = _FIRST_PAUSE_S
    while True:
        try:
            await part()
        except Exception as error:
            logger.warning("start-up: %s is not ready yet: %s", name, error)
            await anyio.sleep(pause_s)
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
        else:
            readiness.mark(name)
            return
