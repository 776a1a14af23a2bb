"""One connection through a frame proxy: two sockets, two protocols, one exchange between them.

Thin I/O: bytes go to the protocols, frames to the exchange, and what is due to the other socket.
"""

from __future__ import annotations

import asyncio
import random
import socket
from typing import Protocol, cast

from websockets.frames import Frame
from websockets.http11 import Request, Response

from gp_helpers.cloud_run.sockets import reset_on_close
from gp_helpers.faults.delay_line import Direction
from gp_helpers.faults.frames_core import FrameExchange, FrameRecord, MessageTooBig
from gp_helpers.faults.frames_plan import FramePlan
from gp_helpers.faults.frames_wire import (
    SWITCHING_PROTOCOLS,
    ClientSide,
    ServerSide,
    has_failed,
    refuse_size,
    response_for_client,
)
from gp_helpers.faults.tcp_core import Ending
from gp_helpers.faults.timing import PreciseTimer

CLOSE_TIMEOUT_S = 1.0
"""How long both sides may take to answer a close that was planned."""
_MOST_BYTES_HELD = 1 << 20
_MOST_BYTES_AT_A_TIME = 1 << 15
_MOST_BYTES_IN_THE_KERNEL = 1 << 18
"""On each side and way: what a flood has passed to nobody yet when it is noticed."""


class ConnectionOwner(Protocol):
    """What a connection needs of its proxy."""

    plan: FramePlan
    max_message_bytes: int

    def note(self, record: FrameRecord) -> None:
        """Keep a record of a message."""

    def note_refusal(self, why: str) -> None:
        """The server could not be reached."""

    def forget(self, connection: FrameConnection) -> None:
        """A connection is closed on both sides."""

    async def connect(self, connection: FrameConnection, server: Side, request: Request) -> Request:
        """Connect a side to the server; returns the request to send there."""
        ...


class Side(asyncio.Protocol):
    """One of the two sockets of a connection."""

    def __init__(
        self, connection: FrameConnection, direction: Direction, protocol: ClientSide | ServerSide
    ) -> None:
        self.direction = direction
        """Which way what arrives here travels."""
        self.protocol = protocol
        self.transport: asyncio.Transport | None = None
        self.is_lost = False
        self.has_ended = False
        self.is_clogged = False
        self.is_paused = False
        self._can_half_close = False
        """Whether the other direction goes on after the end of this one; not with TLS."""
        self._connection = connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        _read_little_at_a_time(self.transport)
        self._can_half_close = self.transport.can_write_eof()

    def data_received(self, data: bytes) -> None:
        self._connection.receive(self, data)

    def eof_received(self) -> bool:
        self._end(Ending.END)
        return self._can_half_close

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_lost = True
        self._end(Ending.RESET if isinstance(exc, ConnectionError) else Ending.END)
        self._connection.forget_if_over()

    def _end(self, ending: Ending) -> None:
        if not self.has_ended:
            self.has_ended = True
            self._connection.receive_end(self, ending)

    def pause_writing(self) -> None:
        self.is_clogged = True
        self._connection.regulate()

    def resume_writing(self) -> None:
        self.is_clogged = False
        self._connection.regulate()

    def send(self, data: bytes) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)

    def send_own(self) -> None:
        """Send what the protocol itself has to say; its end of stream closes."""
        for data in self.protocol.data_to_send():
            if data:
                self.send(data)
            else:
                self.close()

    def close(self) -> None:
        # Closed twice, a TLS transport of Python 3.11.2 can no longer be aborted.
        if self.transport is not None and not self.transport.is_closing():
            self.transport.close()

    def reset(self) -> None:
        if self.transport is not None and not self.is_lost:
            raw = self.transport.get_extra_info("socket")
            if raw is not None and raw.fileno() >= 0:
                reset_on_close(cast(socket.socket, raw))
            self.transport.abort()

    def pause(self, should_pause: bool) -> None:
        if self.transport is None or self.has_ended or self.is_paused is should_pause:
            return
        self.is_paused = should_pause
        if should_pause:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()


def _read_little_at_a_time(transport: asyncio.Transport) -> None:
    """Many small messages at once would keep everybody else on the loop waiting."""
    if hasattr(transport, "max_size"):
        transport.max_size = _MOST_BYTES_AT_A_TIME
    raw = transport.get_extra_info("socket")
    if raw is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _MOST_BYTES_IN_THE_KERNEL)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _MOST_BYTES_IN_THE_KERNEL)


class FrameConnection:
    """A client's connection and the one to the server that belongs to it."""

    def __init__(self, number: int, owner: ConnectionOwner, seed: random.Random) -> None:
        self.number = number
        self.exchange = FrameExchange(
            number,
            owner.plan,
            owner.note,
            max_message_bytes=owner.max_message_bytes,
            seed=seed,
        )
        self.client = Side(self, Direction.TO_SERVER, ClientSide(owner.max_message_bytes))
        self.server: Side | None = None
        self.is_open = False
        self.connecting: asyncio.Task[None] | None = None
        self._owner = owner
        self._loop = asyncio.get_running_loop()
        self._timer: PreciseTimer | None = None
        self._closing: asyncio.TimerHandle | None = None

    def _towards(self, direction: Direction) -> Side | None:
        return self.server if direction is Direction.TO_SERVER else self.client

    def receive(self, side: Side, data: bytes) -> None:
        """Bytes have arrived at a side."""
        if side.has_ended:
            return
        protocol = side.protocol
        now = self._loop.time()
        is_too_big = False
        protocol.receive_data(data)
        try:
            for event in protocol.events_received():
                match event:
                    case Frame():
                        self.exchange.receive(side.direction, event, now)
                    case Request():
                        self.connecting = self._loop.create_task(self._connect(event))
                    case Response():
                        self._answer(event)
        except MessageTooBig:
            is_too_big = True
            refuse_size(protocol)
        if (is_too_big or has_failed(protocol)) and not side.is_lost:
            self._fail(side, now)
        self.pump()

    def receive_end(self, side: Side, ending: Ending) -> None:
        """A side has closed or reset its connection."""
        if not self.is_open:
            if side is self.server:
                self._finish_handshake(side)
            self.drop(reset=ending is Ending.RESET or not self.client.protocol.eof_sent)
            return
        self.exchange.receive_end(side.direction, ending, self._loop.time())
        self.pump()

    async def _connect(self, request: Request) -> None:
        try:
            protocol = ServerSide(request, self._owner.max_message_bytes)
            server = Side(self, Direction.TO_CLIENT, protocol)
            sent = await self._owner.connect(self, server, request)
        except Exception as error:  # whatever it is, the client learns that nobody is there
            self._owner.note_refusal(f"{type(error).__name__}: {error}")
            self.client.reset()
            return
        self.server = server
        protocol.send_request(sent)
        server.send_own()

    def _answer(self, response: Response) -> None:
        """Pass the server's answer to the handshake on to the client."""
        if response.status_code == SWITCHING_PROTOCOLS:
            if self.server is None or self.server.protocol.handshake_exc is not None:
                self.drop(reset=True)
                return
            self.is_open = True
        client = cast(ClientSide, self.client.protocol)
        client.send_response(response_for_client(response))
        self.client.send_own()

    def _finish_handshake(self, server: Side) -> None:
        """A response whose body has no stated length ends with the connection."""
        server.protocol.receive_eof()
        for event in server.protocol.events_received():
            if isinstance(event, Response):
                self._answer(event)

    def _fail(self, side: Side, now: float) -> None:
        """A side sent what is no WebSocket: it hears so, the other one sees an end."""
        side.send_own()
        if not self.is_open:
            if side is self.server and self.client.protocol.handshake_exc is None:
                self.drop(reset=not self.client.protocol.eof_sent)
            return
        if not side.has_ended:
            side.has_ended = True
            self.exchange.receive_end(side.direction, Ending.END, now)

    # What leaves

    def pump(self) -> None:
        """Send what is due, and come back for the rest."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self.is_open:
            return
        for direction, leaving in self.exchange.pop_due(self._loop.time()):
            side = self._towards(direction)
            if side is None:
                continue
            match leaving:
                case Frame():
                    side.send(leaving.serialize(mask=side is self.server))
                case Ending.RESET:
                    self.drop(reset=True)
                case Ending.END:
                    side.close()
                    self._close_if_ended()
        if self.exchange.is_closing and self._closing is None:
            self._closing = self._loop.call_later(CLOSE_TIMEOUT_S, self.drop)
        self.regulate()
        due = self.exchange.next_due()
        if due is not None:
            self._timer = PreciseTimer(self._loop, due, self.pump)

    def _close_if_ended(self) -> None:
        for side in (self.client, self.server):
            if side is not None and side.has_ended:
                side.close()

    def regulate(self) -> None:
        """Read no more than can be passed on."""
        for side, other in ((self.client, self.server), (self.server, self.client)):
            if side is not None and other is not None:
                is_full = self.exchange.bytes_held(side.direction) > _MOST_BYTES_HELD
                side.pause(is_full or other.is_clogged)

    def drop(self, *, reset: bool = False) -> None:
        """Stop timers and close both sides at once."""
        if self._timer is not None:
            self._timer.cancel()
        if self._closing is not None:
            self._closing.cancel()
        self.is_open = False
        for side in (self.client, self.server):
            if side is None:
                continue
            if reset:
                side.reset()
            elif side.transport is not None:
                side.transport.abort()

    def forget_if_over(self) -> None:
        if self.client.is_lost and (self.server is None or self.server.is_lost):
            self.drop()
            self._owner.forget(self)
