"""The owner of a backend's background tasks: all of them end with the application."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
from anyio.abc import TaskGroup

logger = logging.getLogger(__name__)


class Supervisor:
    """Runs background tasks in one task group and counts the live ones by name."""

    def __init__(self) -> None:
        self._group: TaskGroup | None = None
        self._live: Counter[str] = Counter()
        self._failed: Counter[str] = Counter()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Accept tasks inside the block; cancel and await what is left at its end."""
        async with anyio.create_task_group() as group:
            self._group = group
            try:
                yield
            finally:
                self._group = None
                group.cancel_scope.cancel()

    def start_soon(self, name: str, work: Callable[..., Awaitable[Any]], *args: Any) -> None:
        """Start a task; its failure is logged and counted, and ends nothing but itself."""
        if self._group is None:
            raise RuntimeError("the supervisor is not running")
        # Counted here and not in the task, so that what was started is visible at once.
        self._live[name] += 1
        self._group.start_soon(self._run, name, work, args, name=name)

    def live(self) -> dict[str, int]:
        """How many tasks of each name are alive."""
        return {name: count for name, count in self._live.items() if count}

    def failed(self) -> dict[str, int]:
        """How many tasks of each name ended with an exception."""
        return dict(self._failed)

    async def _run(
        self, name: str, work: Callable[..., Awaitable[Any]], args: tuple[Any, ...]
    ) -> None:
        try:
            await work(*args)
        except Exception:
            self._failed[name] += 1
            logger.exception("background task %s failed", name)
        finally:
            self._live[name] -= 1
