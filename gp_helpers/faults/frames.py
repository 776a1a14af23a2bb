"""A WebSocket proxy that delays, holds, drops, duplicates, reorders messages, and closes.

>>> async with FrameProxy("127.0.0.1", port) as proxy:
...     await connect(proxy.url_of("ws://platform.example/ws?mode=main"))
...     proxy.plan.add(DropFrame(), FrameMatch(json_type="agent_completed", nth=1))

Messages are whole before they pass on; what is not planned passes unchanged. With TLS contexts it
ends the client's TLS and begins its own towards the server.
"""

from __future__ import annotations

import asyncio
import random
import ssl
import urllib.parse
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from weakref import WeakKeyDictionary

from websockets.http11 import Request

from gp_helpers.cloud_run.sockets import LISTEN_BACKLOG, bound_socket
from gp_helpers.faults.delay_line import NO_DELAY, Delay, Direction
from gp_helpers.faults.frames_connection import FrameConnection, Side
from gp_helpers.faults.frames_core import FrameRecord
from gp_helpers.faults.frames_plan import FramePlan
from gp_helpers.faults.frames_wire import request_for_server

MAX_MESSAGE_BYTES = 16_777_216
_MOST_RECORDS_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class SeenHandshake:
    """A handshake that came to the proxy, and what came of it."""

    connection: int
    path: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    """As the server got them, credentials included: not for the evidence."""
    server_name: str | None
    """SNI towards the server; ``None`` without TLS."""


class FrameProxy:
    """Stands between WebSocket clients and the server at `host` and `port`; a context manager.

    Args:
        server_tls: For ``wss`` towards the server; ``None``: plain.
        client_tls: With a certificate, for ``wss`` towards clients; ``None``: plain.
        server_host: What ``Host`` and SNI say where the client names the proxy; default: `host`.
        host_header: What ``Host`` says whatever the client says; ``None``: see `server_host`.
        max_message_bytes: A larger message ends its connection with 1009.
        allowed: What may be done to messages (``delay``, ``hold``, …); ``None``: everything.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        server_tls: ssl.SSLContext | None = None,
        client_tls: ssl.SSLContext | None = None,
        server_host: str | None = None,
        host_header: str | None = None,
        max_message_bytes: int = MAX_MESSAGE_BYTES,
        allowed: frozenset[str] | None = None,
        seed: int = 0,
    ) -> None:
        self.plan = FramePlan(allowed)
        self.max_message_bytes = max_message_bytes
        self.records: deque[FrameRecord] = deque(maxlen=_MOST_RECORDS_KEPT)
        """The newest ones; see also `records_dropped`."""
        self.records_dropped = 0
        self.handshakes: list[SeenHandshake] = []
        self.refusals: list[str] = []
        """Why the server could not be reached, each time."""
        self.connections_total = 0
        self.port = 0
        self._address = (host, port)
        self._server_host = server_host or host
        self._host_header = host_header
        self._server_tls = server_tls
        self._client_tls = client_tls
        self._delays = dict.fromkeys(Direction, NO_DELAY)
        self._random = random.Random(seed)
        self._connections: set[FrameConnection] = set()
        self._names: WeakKeyDictionary[Any, str] = WeakKeyDictionary()

    @property
    def url(self) -> str:
        """``ws://127.0.0.1:port``, or ``wss``."""
        return f"{'wss' if self._client_tls else 'ws'}://127.0.0.1:{self.port}"

    def url_of(self, url: str) -> str:
        """A URL of the server, with the proxy in its place; path and query stay."""
        parts = urllib.parse.urlsplit(url)
        return f"{self.url}{parts.path}" + (f"?{parts.query}" if parts.query else "")

    @property
    def open_connections(self) -> int:
        """Connections that are not closed on both sides yet."""
        return len(self._connections)

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        listener = bound_socket()
        self.port = listener.getsockname()[1]
        self.plan.on_opened = self._pump_all_soon
        if self._client_tls is not None:
            self._client_tls.sni_callback = self._note_name
        self._server = await loop.create_server(
            self._accept, sock=listener, backlog=LISTEN_BACKLOG, ssl=self._client_tls
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()
        connecting = []
        for connection in list(self._connections):
            if connection.connecting is not None:
                connection.connecting.cancel()
                connecting.append(connection.connecting)
            connection.drop()
        self._connections.clear()
        await asyncio.gather(*connecting, return_exceptions=True)

    def set(self, *, to_server: Delay | None = None, to_client: Delay | None = None) -> None:
        """Delay all that arrives from now on; ``None`` leaves a direction alone.

        Raises `InterventionNotAllowed`.
        """
        if any(delay not in (None, NO_DELAY) for delay in (to_server, to_client)):
            self.plan.require("delay")
        for direction, delay in (
            (Direction.TO_SERVER, to_server),
            (Direction.TO_CLIENT, to_client),
        ):
            if delay is not None:
                self._delays[direction] = delay
                for connection in self._connections:
                    connection.exchange.set_delay(direction, delay)

    def clear(self) -> None:
        """Pass everything on unchanged from now on; what is held passes."""
        self.set(to_server=NO_DELAY, to_client=NO_DELAY)
        self.plan.clear()

    def reset_all(self) -> int:
        """Reset every open connection on both sides (RST), and lose what is held; how many.

        Raises `InterventionNotAllowed`.
        """
        self.plan.require("close")
        connections = list(self._connections)
        for connection in connections:
            connection.drop(reset=True)
        return len(connections)

    def counted(self) -> Mapping[str, int]:
        """How many messages came to which end, by `Fate`."""
        return Counter(record.fate.value for record in self.records)

    # For its connections

    def note(self, record: FrameRecord) -> None:
        """Keep a record of a message."""
        if len(self.records) == _MOST_RECORDS_KEPT:
            self.records_dropped += 1
        self.records.append(record)

    def note_refusal(self, why: str) -> None:
        """The server could not be reached."""
        self.refusals.append(why)

    async def connect(self, connection: FrameConnection, server: Side, request: Request) -> Request:
        """Connect a side to the server; returns the request to send there."""
        loop = asyncio.get_running_loop()
        name = None
        if self._server_tls is not None:
            name = self._asked_name(connection) or self._server_host
        await loop.create_connection(
            lambda: server, *self._address, ssl=self._server_tls, server_hostname=name
        )
        default_port = 443 if self._server_tls else 80
        authority = self._server_host
        if self._address[1] != default_port:
            authority += f":{self._address[1]}"
        own = frozenset(f"{name}:{self.port}" for name in ("127.0.0.1", "localhost"))
        if self._host_header is not None:
            authority, own = self._host_header, frozenset(request.headers.get_all("Host"))
        sent = request_for_server(request, proxy_hosts=own, host=authority)
        self.handshakes.append(
            SeenHandshake(connection.number, sent.path, tuple(sent.headers.raw_items()), name)
        )
        return sent

    def _asked_name(self, connection: FrameConnection) -> str | None:
        transport = connection.client.transport
        tls = transport.get_extra_info("ssl_object") if transport is not None else None
        return self._names.get(tls) if tls is not None else None

    def _note_name(self, tls: Any, name: str | None, context: ssl.SSLContext) -> None:
        del context
        if name is not None and name != "localhost":
            self._names[tls] = name

    def forget(self, connection: FrameConnection) -> None:
        """Forget a connection whose both sides are closed."""
        self._connections.discard(connection)

    def _accept(self) -> asyncio.Protocol:
        self.connections_total += 1
        connection = FrameConnection(self.connections_total, self, self._random)
        for direction, delay in self._delays.items():
            connection.exchange.set_delay(direction, delay)
        self._connections.add(connection)
        return connection.client

    def _pump_all_soon(self) -> None:
        asyncio.get_running_loop().call_soon(self._pump_all)

    def _pump_all(self) -> None:
        for connection in list(self._connections):
            connection.pump()
