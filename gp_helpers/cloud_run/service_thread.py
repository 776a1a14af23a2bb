"""The one thread that hosts services in thread isolation, and knows which service made which task.

It is started once and shared by every host of this Python process, so that a platform costs a few
milliseconds.
"""

from __future__ import annotations

import asyncio
import atexit
import contextvars
import os
import threading
from collections.abc import Coroutine, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from gp_helpers.cloud_run.loop import new_event_loop

_BLOCKING_CALLS = 32
"""Threads for blocking calls of all services together."""

T = TypeVar("T")

service_tasks: contextvars.ContextVar[set[asyncio.Task[Any]] | None] = contextvars.ContextVar(
    "service_tasks", default=None
)
"""The tasks of the service in whose context this code runs."""


def _task_of_service(
    loop: asyncio.AbstractEventLoop,
    coroutine: Coroutine[Any, Any, Any] | Generator[Any, None, Any],
    **options: Any,
) -> asyncio.Task[Any]:
    """Make a task, and count it to the service whose context it is made in."""
    task: asyncio.Task[Any] = asyncio.Task(coroutine, loop=loop, **options)
    context = options.get("context")
    tasks = context.get(service_tasks) if context is not None else service_tasks.get()
    if tasks is not None:
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    return task


class ServiceThread:
    """One thread with one event loop for services."""

    def __init__(self) -> None:
        self._pid = os.getpid()
        self.loop = new_event_loop()
        self.loop.set_task_factory(_task_of_service)
        self._executor = ThreadPoolExecutor(_BLOCKING_CALLS, thread_name_prefix="services")
        self.loop.set_default_executor(self._executor)
        self._thread = threading.Thread(target=self._run, name="services", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()
        self.loop.close()

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs in this process (it does not survive a fork)."""
        return self._pid == os.getpid() and self._thread.is_alive()

    async def call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run `coroutine` on this thread's loop, from any loop; return what it returns.

        When the caller is cancelled, so is `coroutine`, and it has ended when this returns.
        """
        callers_loop = asyncio.get_running_loop()
        if callers_loop is self.loop:
            return await coroutine
        ended = asyncio.Event()
        tasks: list[asyncio.Task[T]] = []

        def begin() -> None:
            task = self.loop.create_task(coroutine, context=contextvars.Context())
            tasks.append(task)
            task.add_done_callback(lambda _: callers_loop.call_soon_threadsafe(ended.set))

        self.loop.call_soon_threadsafe(begin)
        try:
            await ended.wait()
        except asyncio.CancelledError:
            self.loop.call_soon_threadsafe(lambda: tasks[0].cancel())
            await ended.wait()
            raise
        return tasks[0].result()

    def close(self) -> None:
        """End the thread; services that still run are dropped."""
        if self.is_alive:
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join()
            self._executor.shutdown(wait=False, cancel_futures=True)


_current: ServiceThread | None = None
_current_lock = threading.Lock()


def service_thread() -> ServiceThread:
    """Return this process's thread for services, started if need be."""
    global _current
    with _current_lock:
        if _current is None or not _current.is_alive:
            _current = ServiceThread()
        return _current


def close_service_thread() -> None:
    """End this process's thread for services, if it has one."""
    global _current
    with _current_lock:
        thread, _current = _current, None
    if thread is not None:
        thread.close()


def _forget_after_fork() -> None:
    global _current, _current_lock
    _current, _current_lock = None, threading.Lock()


atexit.register(close_service_thread)
os.register_at_fork(after_in_child=_forget_after_fork)
