"""What single components are tried with: a real store, and connections in memory."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
from anyio.lowlevel import checkpoint
from starlette.websockets import WebSocket

from gp_helpers.platform.clock import Clock
from gp_helpers.platform.contract import Event, EventType, Mode
from gp_helpers.platform.gateway.connection import Connection
from gp_helpers.platform.gateway.delivery import OutboxDelivery
from gp_helpers.platform.gateway.dispatch import Dispatcher
from gp_helpers.platform.gateway.registry import ByConnection, PresenceLog
from gp_helpers.platform.gateway.roles import Handshake
from gp_helpers.platform.gateway.timeouts import NestedTimeouts
from gp_helpers.platform.gateway.totals import Totals
from gp_helpers.platform.routing.sessions import StoreSessions
from gp_helpers.platform.seams import Identity
from gp_helpers.platform.settings import GatewaySettings
from gp_helpers.platform.store import Outbox, Presence, Store

SETTINGS = GatewaySettings()


class Peer:
    """The other side of a WebSocket, in memory: what was sent to it."""

    def __init__(self, headers: dict[str, str] | None = None, query: str = "") -> None:
        self.received: list[dict[str, Any]] = []
        self.accepted = False
        scope = {
            "type": "websocket",
            "path": "/ws",
            "query_string": query.encode(),
            "headers": [(k.lower().encode(), v.encode()) for k, v in (headers or {}).items()],
            "subprotocols": [],
        }
        self.websocket = WebSocket(scope, self._receive, self._send)

    async def _receive(self) -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def _send(self, message: Any) -> None:
        if message["type"] == "websocket.accept":
            self.accepted = True
        elif message["type"] == "websocket.send":
            self.received.append(json.loads(message["text"]))

    @property
    def events(self) -> list[tuple[int, str]]:
        return [(m["event_id"], m["request_id"]) for m in self.received if "event_id" in m]


class NoOtherInstance:
    """Where there is no other instance nobody has to be told of an event."""

    def tell(self, _user_id: str, _event_id: int) -> None:
        pass


class NobodyAsks:
    """An intake that no request reaches."""

    async def accept(self, _connection: Connection, _request: Any) -> None:
        raise AssertionError("nobody asks")


class Bench:
    """The parts that components are tried with: a real store, and connections in memory."""

    def __init__(self, store: Store) -> None:
        self.outbox = Outbox(store)
        self.presence = Presence(store)
        self.presence_log = PresenceLog(StoreSessions(self.presence, "1"), Clock())
        self.registry = ByConnection(self.presence_log)
        self.notices: Any = NoOtherInstance()
        self.delivery = OutboxDelivery(self.outbox, self.registry, self.notices)
        self.dispatcher = Dispatcher()
        self.totals = Totals()

    def connection(self, user_id: str, peer: Peer | None = None) -> Connection:
        async def fetch(last_event_id: int) -> list[dict[str, Any]]:
            return await self.delivery.after(user_id, last_event_id)

        return Connection(
            (peer or Peer()).websocket,
            Handshake(identity(user_id), user_id, Mode.MAIN, None, f"token of {user_id}"),
            timeouts=NestedTimeouts(SETTINGS),
            settings=SETTINGS,
            totals=self.totals,
            fetch=fetch,
            opened_at=anyio.current_time(),
        )

    @asynccontextmanager
    async def open(self, user_id: str, registry: Any = None) -> AsyncIterator[tuple[Any, Peer]]:
        """A registered connection whose sender runs."""
        peer = Peer()
        connection = self.connection(user_id, peer)
        (registry or self.registry).add(connection)
        connection.outgoing.start_at(await self.delivery.position(user_id))
        connection.outgoing.release()
        await connection.accept()
        async with anyio.create_task_group() as group:
            group.start_soon(connection.run)
            yield connection, peer
            group.cancel_scope.cancel()


def identity(user_id: str) -> Identity:
    return Identity(user_id, f"{user_id}@example.com", ("chat",), 2e9)


def event(user_id: str, request_id: str = "r") -> Event:
    return Event(EventType.AGENT_THINKING, request_id, "t", user_id, "triage", 0.0, {})


async def until(condition: Callable[[], Any]) -> None:
    with anyio.fail_after(5):
        while not condition():
            await checkpoint()
