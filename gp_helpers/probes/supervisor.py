"""One owner for everything that outlives a cell: services, proxies, sockets and their readers.

Contexts are entered and left by a task of its own, so that an interrupted cell cancels its own step
and nothing else, and everything ends when the owner is closed, on every path.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from types import TracebackType
from typing import Any, TypeVar

T = TypeVar("T")


class Supervisor:
    """Owns contexts and tasks on the running loop; an async context manager itself."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._tasks: set[asyncio.Task[None]] = set()
        self._orders: asyncio.Queue[
            tuple[AbstractAsyncContextManager[Any], asyncio.Future[Any]] | None
        ] = asyncio.Queue()
        self._owner: asyncio.Task[None] | None = None

    async def _own(self) -> None:
        async with AsyncExitStack() as stack:
            while (order := await self._orders.get()) is not None:
                context, entered = order
                try:
                    value = await stack.enter_async_context(context)
                except Exception as error:
                    if not entered.done():
                        entered.set_exception(error)
                else:
                    if not entered.done():
                        entered.set_result(value)

    async def enter(self, context: AbstractAsyncContextManager[T]) -> T:
        """Enter a context that stays open until the supervisor is closed."""
        if self._owner is None:
            self._owner = asyncio.create_task(self._own(), name=f"{self._name} owner")
        entered: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._orders.put_nowait((context, entered))
        return await entered

    def start(self, work: Coroutine[Any, Any, None], *, name: str) -> asyncio.Task[None]:
        """Run work until it ends or the supervisor is closed."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self) -> None:
        """Cancel the tasks, then leave the contexts, latest first; raises what they raise."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.gather(*tasks, return_exceptions=True)
        if self._owner is not None:
            owner, self._owner = self._owner, None
            self._orders.put_nowait(None)
            try:
                await asyncio.shield(owner)
            except asyncio.CancelledError:
                with suppress(asyncio.CancelledError):
                    await owner
                raise

    async def __aenter__(self) -> Supervisor:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()
