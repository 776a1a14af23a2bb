"""Thread isolation: all services on one event loop in one thread, with the code that processes run.

A service ends as a process would: with every task that it started.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import signal
import traceback
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from gp_helpers.cloud_run import probes
from gp_helpers.cloud_run.errors import NotSupportedError, ServiceStartError
from gp_helpers.cloud_run.host import DEFAULT_GRACE_S, Host, RunningService
from gp_helpers.cloud_run.logs import ServiceLog, current_service, last_lines
from gp_helpers.cloud_run.logs import route_records_by_service as route_records
from gp_helpers.cloud_run.server import EventServer, ServiceContext, asgi_server, run_server
from gp_helpers.cloud_run.service_thread import ServiceThread, service_tasks, service_thread
from gp_helpers.cloud_run.sockets import bound_socket
from gp_helpers.cloud_run.spec import LOOPBACK, EntryKind, ExitStatus, Isolation, ServiceSpec

_CANCEL_ATTEMPTS = 3
_CANCEL_WAIT_S = 0.5
logger = logging.getLogger(__name__)


class ThreadService:
    """A service on the shared loop; see `RunningService`."""

    def __init__(self, host: ThreadHost, spec: ServiceSpec, port: int) -> None:
        self.name = spec.name
        self.host = LOOPBACK
        self.port = port
        self.url = f"http://{LOOPBACK}:{port}"
        self.log_path = host.logs / f"{spec.name}.log"
        self.pid: int | None = None
        self.exit_status: ExitStatus | None = None
        self._thread = host.thread
        self._owner = host
        self._spec = spec
        self._log = ServiceLog(spec.name, self.log_path)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._stopping = asyncio.Event()
        self._started = asyncio.Event()
        self._exited = asyncio.Event()
        self._is_ready = False
        self._failure: str | None = None
        self._server: EventServer | None = None
        self._context = contextvars.copy_context()
        self._context.run(current_service.set, self._log)
        self._context.run(service_tasks.set, self._tasks)

    def begin(self, listener: Any) -> None:
        """Run the service as a task in a context of its own; called on the thread's loop."""
        main = self._thread.loop.create_task(self._run(listener), context=self._context)
        # What ends the service must not be cancelled with its own tasks.
        self._tasks.discard(main)
        self._main = main

    async def _run(self, listener: Any) -> None:
        try:
            await self._serve(listener)
            status = ExitStatus(code=0)
        except asyncio.CancelledError:
            status = ExitStatus(signal=signal.SIGKILL)
        except BaseException as error:
            self._failure = traceback.format_exception_only(error)[-1].strip()
            self._log_failure()
            status = ExitStatus(code=1)
        finally:
            listener.close()
        await self._cancel_tasks()
        self._log.close()
        self.exit_status = status
        self._exited.set()

    async def _serve(self, listener: Any) -> None:
        if self._spec.kind is EntryKind.SERVER:
            await run_server(self._spec, self._server_context(listener))
            return
        self._server = asgi_server(self._spec, stopping=self._stopping, started=self._started.set)
        await self._server.serve_on(listener)

    def _server_context(self, listener: Any) -> ServiceContext:
        def open_host() -> AbstractAsyncContextManager[Host]:
            return open_thread_host(self._owner.logs, grace_s=DEFAULT_GRACE_S)

        return ServiceContext(
            name=self.name,
            config=self._spec.config,
            socket=listener,
            stopping=self._stopping,
            started=self._started.set,
            open_host=open_host,
        )

    def _log_failure(self) -> None:
        logger.exception("the service ended with an exception")

    async def _cancel_tasks(self) -> None:
        """End what the service started, as the end of a process would."""
        for _ in range(_CANCEL_ATTEMPTS):
            leftover = [task for task in self._tasks if not task.done()]
            if not leftover:
                return
            for task in leftover:
                task.cancel()
            await asyncio.wait(leftover, timeout=_CANCEL_WAIT_S)
        names = [task.get_name() for task in self._tasks if not task.done()]
        if names:
            logger.error("tasks of %s resist cancellation and go on: %s", self.name, names)

    async def stop(self, grace_s: float = DEFAULT_GRACE_S) -> ExitStatus:
        return await self._thread.call(self._stop(grace_s))

    async def _stop(self, grace_s: float) -> ExitStatus:
        self._stopping.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                await self._exited.wait()
        return await self._kill()

    async def terminate(self) -> None:
        self._thread.loop.call_soon_threadsafe(self._stopping.set)

    async def kill(self) -> ExitStatus:
        return await self._thread.call(self._kill())

    async def _kill(self) -> ExitStatus:
        if self.exit_status is None:
            self._log.mute()
            if self._server is not None:
                self._server.abort()
            self._main.cancel()
        return await self._wait()

    async def freeze(self) -> None:
        raise NotSupportedError("freezing a service", Isolation.THREAD.value)

    async def resume(self) -> None:
        raise NotSupportedError("resuming a service", Isolation.THREAD.value)

    async def wait(self) -> ExitStatus:
        return await self._thread.call(self._wait())

    async def _wait(self) -> ExitStatus:
        await self._exited.wait()
        assert self.exit_status is not None
        return self.exit_status

    async def wait_started(self) -> None:
        if not self._is_ready:
            await self._thread.call(self._wait_started())

    async def _wait_started(self) -> None:
        exiting = asyncio.create_task(self._exited.wait())
        starting = asyncio.create_task(self._until_started())
        try:
            await asyncio.wait(
                {exiting, starting},
                timeout=self._spec.start_timeout_s,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            exiting.cancel()
            starting.cancel()
        if self.exit_status is not None:
            raise self._start_error(self._failure or str(self.exit_status))
        if not starting.done() or starting.cancelled():
            raise self._start_error(f"not ready within {self._spec.start_timeout_s} s")
        self._is_ready = True

    async def _until_started(self) -> None:
        await self._started.wait()
        if self._spec.startup_probe is not None:
            await probes.wait_until_passed(self._spec.startup_probe, self.port)

    def _start_error(self, reason: str) -> ServiceStartError:
        return ServiceStartError(self.name, reason, last_lines(self.log_path))


class ThreadHost:
    """Owns services on the shared thread; see `Host`."""

    isolation = Isolation.THREAD

    def __init__(self, thread: ServiceThread, logs: Path) -> None:
        self.logs = logs
        self.thread = thread
        self._services: list[ThreadService] = []

    def is_cut_off(self) -> bool:
        return False  # What starts them is this process.

    async def start(self, spec: ServiceSpec, *, wait_ready: bool = True) -> RunningService:
        if spec.environment:
            raise NotSupportedError("an environment of its own for a service", "thread")
        if any(
            service.name == spec.name and service.exit_status is None for service in self._services
        ):
            raise ServiceStartError(spec.name, "a service of this name runs already on this host")
        return await self.thread.call(self._start(spec, wait_ready))

    async def _start(self, spec: ServiceSpec, wait_ready: bool) -> RunningService:
        route_records(spec.entry)
        listener = bound_socket(spec.name, spec.port)
        service = ThreadService(self, spec, listener.getsockname()[1])
        self._services.append(service)
        service.begin(listener)
        try:
            if wait_ready:
                await service.wait_started()
        except BaseException:
            await service.kill()
            raise
        return service

    async def stop_all(self, grace_s: float = DEFAULT_GRACE_S) -> None:
        await self.thread.call(self._stop_all(grace_s))

    async def _stop_all(self, grace_s: float) -> None:
        running = [service for service in self._services if service.exit_status is None]
        await asyncio.gather(*(service.stop(grace_s) for service in reversed(running)))

    async def close(self, grace_s: float) -> None:
        """Stop every service; whatever is left when that is cancelled is killed."""
        try:
            await self.stop_all(grace_s)
        finally:
            await self.kill_all()

    async def kill_all(self) -> None:
        """End every service at once."""
        running = [service for service in self._services if service.exit_status is None]
        await asyncio.gather(*(service.kill() for service in running))


@asynccontextmanager
async def open_thread_host(logs: Path, *, grace_s: float) -> AsyncIterator[Host]:
    """Open a host on this process's thread for services."""
    host = ThreadHost(service_thread(), logs)
    try:
        yield host
    except asyncio.CancelledError:
        await host.kill_all()
        raise
    except BaseException:
        await host.close(grace_s)
        raise
    await host.close(grace_s)
