"""A TCP proxy that delays, drops, throttles, half-opens, slowly closes and resets.

>>> async with TcpProxy("127.0.0.1", port) as proxy:
...     await talk_to(proxy.port)
...     proxy.set(to_client=TcpFault(delay=Delay(latency_s=0.05)))
...     proxy.reset_all()
"""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self, cast

from gp_helpers.cloud_run.sockets import LISTEN_BACKLOG, bound_socket, reset_on_close
from gp_helpers.faults.delay_line import Direction
from gp_helpers.faults.tcp_core import PASS, Ending, TcpFault, TcpLane
from gp_helpers.faults.timing import PreciseTimer

_MOST_DELAYS_KEPT = 10_000
_MOST_BYTES_HELD = 1 << 20


@dataclass(frozen=True, slots=True)
class AchievedDelay:
    """How long a chunk of bytes was really held, against how long it was to be."""

    connection: int
    direction: Direction
    at: float
    """When it was passed on, on the loop's clock."""
    size: int
    requested_s: float
    achieved_s: float


class _Side(asyncio.Protocol):
    """One of the two sockets of a connection."""

    def __init__(self, lane: TcpLane, direction: Direction, proxy: TcpProxy) -> None:
        self.lane = lane
        """Where what arrives here goes."""
        self.direction = direction
        self.other: _Side
        self.transport: asyncio.Transport | None = None
        self.is_lost = False
        self.has_ended = False
        self._is_full = False
        """The lane holds as much as it may: no more is read here."""
        self._is_clogged = False
        """What is written here is not being read: the other side must not read more."""
        self._proxy = proxy
        self._loop = asyncio.get_running_loop()
        self._timer: PreciseTimer | None = None
        self.on_made: Callable[[], None] = lambda: None
        self.number = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.on_made()

    def data_received(self, data: bytes) -> None:
        self.lane.receive(data, self._loop.time())
        self.pass_on()
        if self.lane.bytes_held > _MOST_BYTES_HELD and not self._is_full:
            self._is_full = True
            self._pause_reading()

    def eof_received(self) -> bool:
        self.has_ended = True
        self.lane.receive_end(self._loop.time())
        self.pass_on()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_lost = True
        if isinstance(exc, ConnectionError):
            self.lane.receive_reset(self._loop.time())
        elif not self.has_ended:
            self.lane.receive_end(self._loop.time())
        self.has_ended = True
        self.pass_on()
        self._proxy.forget_if_over(self)

    def pause_writing(self) -> None:
        self._is_clogged = True
        self.other._pause_reading()

    def resume_writing(self) -> None:
        self._is_clogged = False
        self.other._resume_reading()

    def _pause_reading(self) -> None:
        if self.transport is not None and not self.has_ended:
            self.transport.pause_reading()

    def _resume_reading(self) -> None:
        may_read = not self._is_full and not self.other._is_clogged
        if may_read and self.transport is not None and not self.has_ended:
            self.transport.resume_reading()

    def pass_on(self) -> None:
        """Send what is due to the other side, and come back for the rest."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.other.transport is None:
            return
        now = self._loop.time()
        for departure in self.lane.pop_due(now):
            item = departure.item
            if isinstance(item, bytes):
                if not self.other.is_lost:
                    self.other.transport.write(item)
                if departure.requested_s > 0:
                    self._proxy.note_delay(
                        AchievedDelay(
                            self.number,
                            self.direction,
                            now,
                            len(item),
                            departure.requested_s,
                            now - departure.arrived_at,
                        )
                    )
            elif item is Ending.RESET:
                self.reset()
                self.other.reset()
            else:
                self._pass_on_end()
        if self._is_full and self.lane.bytes_held <= _MOST_BYTES_HELD:
            self._is_full = False
            self._resume_reading()
        due = self.lane.next_due()
        if due is not None:
            self._timer = PreciseTimer(self._loop, due, self.pass_on)

    def _pass_on_end(self) -> None:
        other = self.other
        if other.transport is None or other.is_lost:
            return
        if other.has_ended or self.is_lost:
            other.transport.close()
            if self.transport is not None:
                self.transport.close()
        elif not other.transport.is_closing():
            other.transport.write_eof()

    def reset(self) -> None:
        """Close this side with RST, dropping what is unsent."""
        if self.transport is not None and not self.is_lost:
            reset_on_close(cast(socket.socket, self.transport.get_extra_info("socket")))
            self.transport.abort()

    def drop(self) -> None:
        """Stop timers and close at once."""
        if self._timer is not None:
            self._timer.cancel()
        if self.transport is not None:
            self.transport.abort()


class _Connection:
    """A client's connection and the one to the server that belongs to it."""

    def __init__(self, number: int, proxy: TcpProxy, seed: random.Random) -> None:
        to_server = TcpLane(proxy.to_server, random.Random(seed.random()))
        to_client = TcpLane(proxy.to_client, random.Random(seed.random()))
        self.client = _Side(to_server, Direction.TO_SERVER, proxy)
        self.server = _Side(to_client, Direction.TO_CLIENT, proxy)
        self.client.other, self.server.other = self.server, self.client
        self.client.number = self.server.number = number
        self.connecting: asyncio.Task[None] | None = None

    @property
    def sides(self) -> tuple[_Side, _Side]:
        return self.client, self.server

    @property
    def is_over(self) -> bool:
        return self.client.is_lost and (self.server.transport is None or self.server.is_lost)


class TcpProxy:
    """Stands between clients and the server at `host` and `port`; an async context manager."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        to_server: TcpFault = PASS,
        to_client: TcpFault = PASS,
        seed: int = 0,
    ) -> None:
        self.to_server = to_server
        self.to_client = to_client
        self.delays: list[AchievedDelay] = []
        """The newest ones; see also `delays_dropped`."""
        self.delays_dropped = 0
        self.connections_total = 0
        self.port = 0
        self._upstream = (host, port)
        self._random = random.Random(seed)
        self._connections: dict[_Side, _Connection] = {}

    @property
    def url(self) -> str:
        """``http://127.0.0.1:port``."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def open_connections(self) -> int:
        """Connections that are not closed on both sides yet."""
        return len(set(self._connections.values()))

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        listener = bound_socket()
        self.port = listener.getsockname()[1]
        self._server = await loop.create_server(self._accept, sock=listener, backlog=LISTEN_BACKLOG)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()
        connecting = []
        for connection in set(self._connections.values()):
            if connection.connecting is not None:
                connection.connecting.cancel()
                connecting.append(connection.connecting)
            for side in connection.sides:
                side.drop()
        self._connections.clear()
        await asyncio.gather(*connecting, return_exceptions=True)

    def set(self, *, to_server: TcpFault | None = None, to_client: TcpFault | None = None) -> None:
        """Change faults, for open connections and new ones; ``None`` leaves a direction alone."""
        self.to_server = to_server or self.to_server
        self.to_client = to_client or self.to_client
        for connection in set(self._connections.values()):
            connection.client.lane.set(self.to_server)
            connection.server.lane.set(self.to_client)

    def clear(self) -> None:
        """Pass everything on unchanged from now on."""
        self.set(to_server=PASS, to_client=PASS)

    def reset_all(self) -> int:
        """Reset every open connection on both sides (RST); return how many."""
        return self._end_all(_Side.reset)

    def cut_all(self) -> int:
        """Close every open connection on both sides at once (FIN); return how many."""
        return self._end_all(_Side.drop)

    def _end_all(self, end: Callable[[_Side], None]) -> int:
        connections = set(self._connections.values())
        for connection in connections:
            for side in connection.sides:
                end(side)
        return len(connections)

    def _accept(self) -> asyncio.Protocol:
        self.connections_total += 1
        connection = _Connection(self.connections_total, self, self._random)
        for side in connection.sides:
            self._connections[side] = connection
        connection.client.on_made = lambda: self._connect(connection)
        return connection.client

    def _connect(self, connection: _Connection) -> None:
        connection.connecting = asyncio.get_running_loop().create_task(self._open(connection))

    async def _open(self, connection: _Connection) -> None:
        try:
            loop = asyncio.get_running_loop()
            await loop.create_connection(lambda: connection.server, *self._upstream)
        except OSError:
            # The server refuses: so does the proxy, as well as an accepted connection can.
            connection.client.reset()
            return
        connection.client.pass_on()

    def note_delay(self, delay: AchievedDelay) -> None:
        """Keep a record of an achieved delay."""
        self.delays.append(delay)
        if len(self.delays) > _MOST_DELAYS_KEPT:
            del self.delays[0]
            self.delays_dropped += 1

    def forget_if_over(self, side: _Side) -> None:
        """Forget a connection whose both sides are closed."""
        connection = self._connections.get(side)
        if connection is not None and connection.is_over:
            for one in connection.sides:
                self._connections.pop(one, None)
