"""The honest platform over Socket.IO: Engine.IO packets in text frames, written by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tests.hostile.server import Behaviour, Gone, Socket, Stage, Visit, switching

if TYPE_CHECKING:
    from tests.hostile.server import HostileServer

OPENING = (
    b'0{"sid":"s","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}'
)
CONNECTED = b'40{"sid":"n"}'


class EngineSocket(Socket):
    """A socket on which JSON messages travel as Socket.IO events of their type."""

    async def say(self, message: Any) -> None:
        name = message["type"] if isinstance(message, Mapping) else "list"
        await self.frame(b"42" + json.dumps([name, message]).encode())

    async def next_message(self) -> dict[str, Any]:
        while True:
            packet = await self.next_text()
            if packet.startswith("42"):
                found: dict[str, Any] = json.loads(packet[2:])[1]
                return found
            if packet == "2":
                await self.frame(b"3")
            if packet in ("1", "41"):
                raise Gone


async def open_engine(server: HostileServer, visit: Visit, behaviour: Behaviour | None) -> None:
    """One Socket.IO connection, from its handshake to its end."""
    stage = behaviour.stage if behaviour is not None else None
    await visit.send(switching(visit))
    socket = EngineSocket(**vars(visit))
    if behaviour is not None and stage is Stage.HANDSHAKE:
        await behaviour.act(socket)
        return
    await socket.frame(OPENING)
    packet = await socket.next_text()
    token = json.loads(packet.removeprefix("40") or "{}").get("token", "")
    socket.user = server.user_of(token) or ""
    if not socket.user:
        await socket.frame(b'44{"message":"token"}')
        while True:
            await socket.next_text()
    socket.canary = server.canary_of(socket.user)
    if behaviour is not None and stage is Stage.CONNECT:
        await behaviour.act(socket)
    else:
        await socket.frame(CONNECTED)
    if behaviour is not None and stage is Stage.GREETING:
        await behaviour.act(socket)
    else:
        await socket.say({"type": "connection_established", "data": {"user_id": socket.user}})
    while True:
        request = await socket.next_message()
        if behaviour is not None and stage is Stage.ANSWER:
            await behaviour.act(socket, request)
        else:
            await socket.five_events(request)
