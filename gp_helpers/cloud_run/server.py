"""A uvicorn server that starts and stops at once, and the context in which a service runs.

uvicorn's own main loop and shutdown poll every 0.1 s and it takes the process's signal handlers;
here both wait for events, so that one thread can host two hundred platforms a minute.
"""

from __future__ import annotations

import asyncio
import importlib
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

import uvicorn
from uvicorn._types import ASGISendEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from gp_helpers.cloud_run.errors import EntryError
from gp_helpers.cloud_run.sockets import LISTEN_BACKLOG
from gp_helpers.cloud_run.spec import EntryKind, ServiceSpec

if TYPE_CHECKING:
    from gp_helpers.cloud_run.host import Host

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ServiceContext:
    """What a service of kind `EntryKind.SERVER` is called with."""

    name: str
    config: Mapping[str, Any]
    socket: socket.socket
    """Bound to the service's port, not listening yet."""
    stopping: asyncio.Event
    """Set when the service is asked to stop (SIGTERM)."""
    started: Callable[[], None]
    """To be called once the service listens."""
    open_host: Callable[[], AbstractAsyncContextManager[Host]]
    """A host of the same isolation for the services that this one starts; they end with it."""


class LifespanFailed(Exception):
    """Raised when the application's ASGI lifespan start-up failed."""


class _ObservedSet(set[T]):
    """A set that sets an event whenever it becomes empty; uvicorn adds and removes as usual."""

    def __init__(self) -> None:
        super().__init__()
        self.empty = asyncio.Event()
        self.empty.set()

    def add(self, element: T, /) -> None:
        super().add(element)
        self.empty.clear()

    def discard(self, element: object, /) -> None:
        super().discard(cast(T, element))
        if not self:
            self.empty.set()

    def remove(self, element: T, /) -> None:
        super().remove(element)
        if not self:
            self.empty.set()


class _WebSocketProtocol(WebSocketsSansIOProtocol):
    """uvicorn's, but a handshake that was denied by a whole HTTP response is complete.

    uvicorn logs an error after each such denial, as if the application had forgotten to answer.
    """

    async def send(self, message: ASGISendEvent) -> None:
        await super().send(message)
        if self.initial_response is not None and self.close_sent:
            self.handshake_complete = True


class _StartupFailures:
    """Hears why an application's start-up failed, which uvicorn only logs."""

    def __init__(self, lifespan: Any) -> None:
        self.why = ""
        self._send = getattr(lifespan, "send", None)
        if self._send is not None:
            lifespan.send = self._hear

    async def _hear(self, message: Any) -> None:
        if message["type"] == "lifespan.startup.failed":
            said = _exception_in(message.get("message", ""))
            self.why = f": {said}" if said else ""
        assert self._send is not None
        await self._send(message)


def _exception_in(text: str) -> str:
    """The line of a traceback that names the exception; the first line of any other text."""
    lines = text.strip().splitlines()
    frames = [at for at, line in enumerate(lines) if line.startswith("  ")]
    return lines[min(frames[-1] + 1, len(lines) - 1) if frames else 0] if lines else ""


class EventServer(uvicorn.Server):
    """Serves one application on one bound socket until `stopping` is set."""

    def __init__(
        self, config: uvicorn.Config, *, stopping: asyncio.Event, started: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._stopping = stopping
        self._tell_started = started
        self._open_connections: _ObservedSet[Any] = _ObservedSet()
        self._running_tasks: _ObservedSet[asyncio.Task[None]] = _ObservedSet()
        self.server_state.connections = self._open_connections
        self.server_state.tasks = self._running_tasks

    async def serve_on(self, listener: socket.socket) -> None:
        """Serve on `listener` until asked to stop and every request has ended."""
        await self._serve([listener])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        told = _StartupFailures(self.lifespan)
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            raise LifespanFailed(f"the application's lifespan start-up failed{told.why}")
        self.lifespan.should_exit = False
        await self._listen(sockets or [])
        self.started = True
        self._tell_started()

    async def _listen(self, sockets: list[socket.socket]) -> None:
        loop = asyncio.get_running_loop()
        protocol_class: Any = self.config.http_protocol_class

        def protocol() -> asyncio.Protocol:
            made: asyncio.Protocol = protocol_class(
                config=self.config, server_state=self.server_state, app_state=self.lifespan.state
            )
            return made

        self.servers = [
            await loop.create_server(protocol, sock=listener, backlog=LISTEN_BACKLOG)
            for listener in sockets
        ]

    async def main_loop(self) -> None:
        await self._stopping.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002
        for server in self.servers:
            server.close()
        for connection in list(self._open_connections):
            connection.shutdown()
        await self._open_connections.empty.wait()
        await self._running_tasks.empty.wait()
        await self.lifespan.shutdown()

    def abort(self) -> None:
        """Close the listening socket and every connection at once, unsent data included."""
        for server in getattr(self, "servers", ()):
            server.close()
        for connection in list(self._open_connections):
            if connection.transport is not None:
                connection.transport.abort()


def resolve(entry: str) -> Any:
    """Return what the import string ``package.module:name`` names.

    Raises:
        EntryError: the module cannot be imported, or has no such name.
    """
    module_name, _, attributes = entry.partition(":")
    try:
        found: Any = importlib.import_module(module_name)
        for attribute in attributes.split("."):
            found = getattr(found, attribute)
    except (ImportError, AttributeError) as error:
        raise EntryError(entry, str(error)) from error
    return found


def asgi_server(
    spec: ServiceSpec, *, stopping: asyncio.Event, started: Callable[[], None]
) -> EventServer:
    """Return the server for a service of kind ASGI application or factory."""
    target = resolve(spec.entry)
    is_factory = spec.kind is EntryKind.ASGI_FACTORY
    lifespan: Literal["on", "auto"] = "on" if is_factory else "auto"
    config = uvicorn.Config(
        target(spec.config) if is_factory else target,
        log_config=None,
        access_log=False,
        lifespan=lifespan,
        ws=_WebSocketProtocol,
        ws_max_size=spec.ws_max_size,
        ws_ping_interval=spec.ws_ping_interval_s,
        ws_per_message_deflate=False,
        date_header=False,
        server_header=False,
        loop="none",
    )
    return EventServer(config, stopping=stopping, started=started)


async def run_server(spec: ServiceSpec, context: ServiceContext) -> None:
    """Run a service of kind `EntryKind.SERVER` until it returns."""
    serve: Callable[[ServiceContext], Awaitable[None]] = resolve(spec.entry)
    await serve(context)
