"""Process isolation: each service is a fork of the zygote, owned by a session with it."""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from gp_helpers.cloud_run import probes
from gp_helpers.cloud_run.errors import CUT_OFF, HostClosedError, ServiceStartError
from gp_helpers.cloud_run.host import DEFAULT_GRACE_S, Host, RunningService
from gp_helpers.cloud_run.logs import last_lines
from gp_helpers.cloud_run.messages import MessageReader, encode
from gp_helpers.cloud_run.sockets import bound_socket
from gp_helpers.cloud_run.spec import LOOPBACK, ExitStatus, Isolation, ServiceSpec, spec_to_json
from gp_helpers.cloud_run.zygote_owner import warm_zygote

_STATUS_SIZE = 1 << 16


class ProcessService:
    """A running process; see `RunningService`."""

    def __init__(
        self, host: ProcessHost, number: int, spec: ServiceSpec, port: int, status: socket.socket
    ) -> None:
        self.name = spec.name
        self.host = LOOPBACK
        self.port = port
        self.url = f"http://{LOOPBACK}:{port}"
        self.log_path = host.logs / f"{spec.name}.log"
        self.pid: int | None = None
        self.exit_status: ExitStatus | None = None
        self._owner = host
        self._number = number
        self._spec = spec
        self._status = status
        self._spawned = asyncio.Event()
        self._exited = asyncio.Event()
        self._frozen = asyncio.Event()
        """Set where nothing has to be waited for: it was stopped, or it has ended."""
        self._starting = asyncio.Lock()
        self._is_started = False

    async def stop(self, grace_s: float = DEFAULT_GRACE_S) -> ExitStatus:
        await self.terminate()
        with suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                return await self.wait()
        return await self.kill()

    async def terminate(self) -> None:
        await self._signal(signal.SIGTERM)

    async def kill(self) -> ExitStatus:
        await self._signal(signal.SIGKILL)
        return await self.wait()

    async def freeze(self) -> None:
        if self.exit_status is None:
            self._frozen.clear()
            await self._signal(signal.SIGSTOP)
            # What is sent to it next must not be quicker than the signal.
            await self._frozen.wait()

    async def resume(self) -> None:
        await self._signal(signal.SIGCONT)

    async def wait(self) -> ExitStatus:
        await self._exited.wait()
        assert self.exit_status is not None
        return self.exit_status

    async def wait_started(self) -> None:
        async with self._starting:
            if self._is_started:
                return
            try:
                async with asyncio.timeout(self._spec.start_timeout_s):
                    await self._until_started()
            except TimeoutError:
                raise self._start_error(
                    f"not ready within {self._spec.start_timeout_s} s"
                ) from None
            finally:
                self._status.close()
            self._is_started = True

    async def _until_started(self) -> None:
        loop = asyncio.get_running_loop()
        said = await loop.sock_recv(self._status, _STATUS_SIZE)
        status: dict[str, Any] = json.loads(said) if said else {}
        if "started" not in status:
            ended = await self.wait()
            reason = status.get("failed")
            raise self._start_error(f"{reason} ({ended})" if reason else str(ended))
        if self._spec.startup_probe is None:
            return
        probing = loop.create_task(probes.wait_until_passed(self._spec.startup_probe, self.port))
        exiting = loop.create_task(self._exited.wait())
        try:
            await asyncio.wait({probing, exiting}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            probing.cancel()
            exiting.cancel()
        if self.exit_status is not None:
            raise self._start_error(f"{self.exit_status} before its start-up probe passed")

    def _start_error(self, reason: str) -> ServiceStartError:
        return ServiceStartError(self.name, reason, last_lines(self.log_path))

    async def _signal(self, number: signal.Signals) -> None:
        if self.exit_status is None:
            await self._owner.send({"command": "signal", "id": self._number, "signal": int(number)})

    def note_spawned(self, pid: int) -> None:
        """Take note of the zygote's event."""
        self.pid = pid
        self._spawned.set()

    def note_signalled(self, number: int) -> None:
        """Take note of the zygote's event."""
        if number == signal.SIGSTOP:
            self._frozen.set()

    def note_exited(self, status: ExitStatus) -> None:
        """Take note of the zygote's event."""
        self.exit_status = status
        self._frozen.set()
        self._spawned.set()
        self._exited.set()

    async def wait_spawned(self) -> None:
        """Return when the process exists."""
        await self._spawned.wait()


class ProcessHost:
    """Owns the services of one session; see `Host`."""

    isolation = Isolation.PROCESS

    def __init__(self, session: socket.socket, logs: Path) -> None:
        self.logs = logs
        self._session = session
        self._session.setblocking(False)
        self._reader = MessageReader(session)
        self._services: dict[int, ProcessService] = {}
        self._sending = asyncio.Lock()
        self._ended = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(session, self._read_events)

    def is_cut_off(self) -> bool:
        if self._ended.is_set():
            return True
        # Asked of the socket: the loop may not have come to it yet, and services end after it.
        poll = select.poll()
        poll.register(self._session, select.POLLHUP)
        return any(event & select.POLLHUP for _, event in poll.poll(0))

    async def start(self, spec: ServiceSpec, *, wait_ready: bool = True) -> RunningService:
        if any(
            service.name == spec.name and service.exit_status is None
            for service in self._services.values()
        ):
            raise ServiceStartError(spec.name, "a service of this name runs already on this host")
        status, status_end = socket.socketpair()
        status.setblocking(False)
        number = len(self._services)
        with status_end, bound_socket(spec.name, spec.port) as listener:
            service = ProcessService(self, number, spec, listener.getsockname()[1], status)
            self._services[number] = service
            command = {
                "command": "spawn",
                "id": number,
                "spec": spec_to_json(spec),
                "log": str(service.log_path.absolute()),
                "cwd": os.getcwd(),
                "environment": dict(os.environ),
                "sys_path": sys.path,
            }
            await self.send(command, [listener.fileno(), status_end.fileno()])
        try:
            await service.wait_spawned()
            if wait_ready:
                await service.wait_started()
        except BaseException:
            await service.kill()
            raise
        return service

    async def stop_all(self, grace_s: float = DEFAULT_GRACE_S) -> None:
        running = [service for service in self._services.values() if service.exit_status is None]
        await asyncio.gather(*(service.stop(grace_s) for service in reversed(running)))

    async def send(self, message: dict[str, Any], descriptors: Sequence[int] = ()) -> None:
        """Send `message` to the zygote.

        Raises:
            HostClosedError: the host is closed, or the zygote has ended.
        """
        data = encode(message)
        async with self._sending:
            if self._ended.is_set():
                raise HostClosedError("the host is closed, or its zygote has ended")
            try:
                if descriptors:
                    sent = socket.send_fds(self._session, [data], list(descriptors))
                    data = data[sent:]
                await self._loop.sock_sendall(self._session, data)
            except ConnectionError as error:
                raise HostClosedError(CUT_OFF) from error

    def _read_events(self) -> None:
        events = self._reader.read()
        if events is None:
            self._note_end()
            return
        for event in events:
            service = self._services[event["id"]]
            if event["event"] == "spawned":
                service.note_spawned(event["pid"])
            elif event["event"] == "signalled":
                service.note_signalled(event["signal"])
            else:
                service.note_exited(ExitStatus(event.get("code"), event.get("signal")))

    def _note_end(self) -> None:
        """The zygote has closed the session: whatever ran on it has been killed."""
        self._loop.remove_reader(self._session)
        for service in self._services.values():
            if service.exit_status is None:
                service.note_exited(ExitStatus(signal=signal.SIGKILL))
        self._ended.set()

    async def close(self, grace_s: float | None) -> None:
        """Stop all services (``None``: kill them), then end the session; nothing is left then."""
        try:
            if self.is_cut_off() and not self._ended.is_set():
                self._note_end()
            if grace_s is not None:
                await self.stop_all(grace_s)
            if not self._ended.is_set():
                self._session.shutdown(socket.SHUT_WR)
                await self._ended.wait()
        finally:
            if not self._ended.is_set():
                self._note_end()
            self._session.close()


@asynccontextmanager
async def host_on_session(
    session: socket.socket, logs: Path, *, grace_s: float = DEFAULT_GRACE_S
) -> AsyncIterator[Host]:
    """Open a host on a session with the zygote that exists already."""
    host = ProcessHost(session, logs)
    try:
        yield host
    except asyncio.CancelledError:
        await host.close(grace_s=None)
        raise
    except Exception as error:
        # What went wrong meanwhile says nothing of the services: they were taken away.
        is_cut_off = host.is_cut_off()
        await host.close(grace_s)
        if is_cut_off:
            raise HostClosedError(CUT_OFF) from error
        raise
    except BaseException:
        await host.close(grace_s)
        raise
    await host.close(grace_s)


@asynccontextmanager
async def open_process_host(
    logs: Path, *, preload: Sequence[str], grace_s: float
) -> AsyncIterator[Host]:
    """Open a host on a new session with this process's zygote."""
    owner = await asyncio.to_thread(warm_zygote, tuple(preload))
    async with host_on_session(owner.open_session(), logs, grace_s=grace_s) as host:
        yield host
