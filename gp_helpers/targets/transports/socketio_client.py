"""python-socketio's client, made safe against a server that sends too much or nonsense.

The library starts a task for every message and queues without bounds. Here messages are taken one
by one where they are read, so that a server is not read from while nobody listens.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import engineio
import socketio
from engineio import base_client
from engineio import packet as engine_packet
from socketio import packet as socket_packet

from gp_helpers.targets.transports.decoding import UndecodableError, decoded_json

MOST_UNREAD = 16
"""Messages that wait for the reader; beyond these the platform is not read from."""
MOST_UNSENT = 64
"""Packets that wait to be sent (acknowledgements, pongs), likewise."""
_BINARY = (socket_packet.BINARY_EVENT, socket_packet.BINARY_ACK)


@dataclass(frozen=True, slots=True)
class Arrived:
    """What came: an event with its arguments, or what could not be decoded."""

    event: tuple[Any, ...] = ()
    raw: str = ""
    undecodable: str | None = None
    binary: bytes | None = None


class Inbox:
    """What has arrived and was not read yet; whoever puts into a full one waits."""

    def __init__(self) -> None:
        self._arrived: deque[Arrived] = deque()
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._has_ended = False
        self._is_closed = False

    async def put(self, arrived: Arrived) -> None:
        """Put something in, as soon as there is room; a closed inbox takes nothing."""
        while len(self._arrived) >= MOST_UNREAD and not self._is_closed:
            self._room.clear()
            await self._room.wait()
        if not self._is_closed:
            self._arrived.append(arrived)
            self._news.set()

    async def take(self) -> Arrived | None:
        """What arrived next; None when nothing more will come."""
        while not self._arrived:
            if self._has_ended:
                return None
            self._news.clear()
            await self._news.wait()
        self._room.set()
        return self._arrived.popleft()

    def end(self) -> None:
        """Nothing more will come; what is here can still be read."""
        self._has_ended = True
        self._news.set()

    def close(self) -> None:
        """Take nothing any more."""
        self._is_closed = True
        self._room.set()
        self.end()


class _Json:
    """The decoder of every transport, in the shape of the module ``json``."""

    loads = staticmethod(decoded_json)
    dumps = staticmethod(json.dumps)


class _Packet(socket_packet.Packet):  # type: ignore[misc]
    json = _Json


def event_in(text: str) -> tuple[Any, ...] | None:
    """The event in a text frame, with its arguments; None if there is none."""
    kind, packet = text[:1], text[1:]
    if kind != str(engine_packet.MESSAGE) or packet[:1] != str(socket_packet.EVENT):
        return None
    try:
        data = _Packet(encoded_packet=packet).data
    except ValueError:
        return None
    return tuple(data) if isinstance(data, list) and data else None


class _EngineIo(engineio.AsyncClient):  # type: ignore[misc]
    def create_queue(self, *_: Any, **__: Any) -> asyncio.Queue[Any]:
        return asyncio.Queue(MOST_UNSENT)

    async def _receive_packet(self, pkt: Any) -> None:
        if pkt.packet_type == engine_packet.MESSAGE:
            await self.handlers["message"](pkt.data)
        else:
            await super()._receive_packet(pkt)


class BoundedClient(socketio.AsyncClient):  # type: ignore[misc]
    """Hands what arrives in one namespace to an inbox, and waits while that is full."""

    def __init__(self, inbox: Inbox, namespace: str, **options: Any) -> None:
        super().__init__(reconnection=False, handle_sigint=False, serializer=_Packet, **options)
        self._inbox = inbox
        self._namespace = namespace

    def _engineio_client_class(self) -> type[_EngineIo]:
        return _EngineIo

    async def _handle_eio_message(self, data: Any) -> None:
        try:
            if isinstance(data, bytes):
                raise UndecodableError("a binary frame")
            if self.packet_class(encoded_packet=data).packet_type in _BINARY:
                raise UndecodableError("an event with binary parts")
            await super()._handle_eio_message(data)
        except Exception as error:  # whatever nonsense makes the library raise
            binary = data if isinstance(data, bytes) else None
            raw = "" if binary is not None else str(data)
            why = str(error) if isinstance(error, UndecodableError) else f"no packet: {error}"
            await self._inbox.put(Arrived(raw=raw, undecodable=why, binary=binary))

    async def _handle_connect(self, namespace: str | None, data: Any) -> None:
        if (namespace or "/") != self._namespace or self._namespace in self.namespaces:
            return
        if data is not None and not isinstance(data, Mapping):
            raise UndecodableError("a connect packet without a mapping")
        await super()._handle_connect(namespace, data)
        await self._inbox.put(Arrived(("connect",)))

    async def _handle_event(self, namespace: str | None, number: int | None, data: Any) -> None:
        if not isinstance(data, list) or not data:
            raise UndecodableError("an event without a name")
        if (namespace or "/") == self._namespace:
            await self._inbox.put(Arrived(tuple(data)))
        if number is not None:
            ack = self.packet_class(socket_packet.ACK, namespace=namespace, id=number, data=[])
            await self._send_packet(ack)

    async def _handle_disconnect(self, namespace: str | None) -> None:
        if (namespace or "/") == self._namespace:
            self._inbox.end()
            self.namespaces.clear()
            self.connected = False
            # It comes from the loop that reads, which cannot wait for its own end.
            self.eio.state = "disconnected"
            await self.eio.queue.put(None)

    async def _handle_eio_disconnect(self, reason: Any) -> None:
        await super()._handle_eio_disconnect(reason)
        self._inbox.end()

    async def end_tasks(self, *, within_s: float) -> None:
        """Wait so long for what the connection still does, then cancel it."""
        tasks = {t for t in (self.eio.read_loop_task, self.eio.write_loop_task) if t is not None}
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=within_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        with suppress(ValueError):
            base_client.connected_clients.remove(self.eio)
