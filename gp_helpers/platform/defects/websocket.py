"""The as-reported components of the WebSocket suite.

Each does its job when it is looked at alone; what breaks is how they meet real timing.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.websockets import WebSocket

from gp_helpers.platform.backend.startup import Readiness
from gp_helpers.platform.contract import CloseCode, Event
from gp_helpers.platform.errors import TokenRefused
from gp_helpers.platform.gateway.connection import Connection, Ending
from gp_helpers.platform.gateway.dispatch import Dispatcher
from gp_helpers.platform.gateway.events import EventManagerParts
from gp_helpers.platform.gateway.messages import Message
from gp_helpers.platform.gateway.readiness import ManagerSlot
from gp_helpers.platform.gateway.registry import PresenceLog
from gp_helpers.platform.gateway.roles import (
    ConnectionRegistry,
    EventDelivery,
    EventManager,
    Handshake,
)
from gp_helpers.platform.gateway.setup import HandshakeIdentity, Offer, read_offer
from gp_helpers.platform.gateway.totals import Activity
from gp_helpers.platform.hops import HopFailed
from gp_helpers.platform.jwt_rules import read_unverified
from gp_helpers.platform.seams import EventSink
from gp_helpers.platform.settings import GatewaySettings

logger = logging.getLogger(__name__)

_PATIENCE_S = 0.05
_HEARTBEAT_S = 90.0
_LIFETIME_S = 3600.0
_RECONNECT_NOTICE_S = 30.0


class StandInManager:
    """Keeps connections open while the event manager is being made."""

    async def open(self, connection: Connection) -> None:
        await connection.accept()


class ImpatientGate:
    """Waits a moment for readiness, and then rather takes a connection on than turns it away."""

    def __init__(self, readiness: Readiness, slot: ManagerSlot, _settings: GatewaySettings) -> None:
        self._readiness = readiness
        self._slot = slot

    async def admit(self) -> EventManager:
        if await self._readiness.wait(_PATIENCE_S) and self._slot.manager is not None:
            return self._slot.manager
        logger.warning("start-up takes long, going on without the event manager")
        return StandInManager()


class LazyEventManager:
    """Answers handshakes at once, and connects each user's events when they are first needed."""

    def __init__(self, parts: EventManagerParts) -> None:
        self._parts = parts
        self._profiles: dict[str, Mapping[str, Any]] = {}

    async def open(self, connection: Connection) -> None:
        await connection.accept()
        await connection.greet()
        self._parts.dispatcher.subscribe(self._parts.handlers.of(connection))
        connection.add_job(lambda: self._connect_events(connection))

    async def _connect_events(self, connection: Connection) -> None:
        parts = self._parts
        with parts.totals.during(Activity.SET_UP):
            user_id = connection.channel
            if user_id not in self._profiles:
                self._profiles[user_id] = await self._profile(connection.token)
            position = await parts.delivery.position(user_id)
            parts.registry.add(connection)
            connection.outgoing.start_at(position)
        await parts.registry.announce(connection)

    async def _profile(self, token: str) -> Mapping[str, Any]:
        url = f"{self._parts.auth_url.rstrip('/')}/auth/me"
        try:
            response = await self._parts.http.request(
                "GET", url, headers={"Authorization": f"Bearer {token}"}
            )
        except HopFailed as error:
            logger.warning("no profile: %s", error)
            return {}
        if not response.is_success:
            logger.warning("no profile: the auth service answered %s", response.status)
            return {}
        profile: Mapping[str, Any] = response.json()
        return profile


class ByUser:
    """A registry keyed by user: whoever connects last is where the user is."""

    def __init__(self, presence: PresenceLog) -> None:
        self._presence = presence
        self._connections: dict[str, Connection] = {}

    def add(self, connection: Connection) -> None:
        self._connections[connection.channel] = connection

    async def announce(self, connection: Connection) -> None:
        await self._presence.came(connection)

    async def remove(self, connection: Connection) -> None:
        await self._presence.left(connection)
        self._connections.pop(connection.channel, None)

    def of_user(self, user_id: str) -> tuple[Connection, ...]:
        connection = self._connections.get(user_id)
        return () if connection is None else (connection,)

    def state(self) -> dict[str, Any]:
        return {"connections": len(self._connections), "users": len(self._connections)}


class OrderlyCleanup:
    """Takes a connection's handlers away when it was closed."""

    def __init__(self, dispatcher: Dispatcher, registry: ConnectionRegistry) -> None:
        self._dispatcher = dispatcher
        self._registry = registry

    async def finish(self, connection: Connection, ending: Ending) -> None:
        if ending.code in (CloseCode.NORMAL, CloseCode.GOING_AWAY):
            self._dispatcher.unsubscribe(connection.connection_id)
        await self._registry.remove(connection)


class LiveDelivery:
    """Sends events straight to the user's connections, without a detour through the store."""

    def __init__(self, _outbox: object, registry: ConnectionRegistry, _notices: object) -> None:
        self._registry = registry
        self._last_ids: Counter[str] = Counter()

    async def emit(self, user_id: str, event: Event) -> None:
        connections = self._registry.of_user(user_id)
        if not connections:
            logger.info("%s is not connected, %s is not sent", user_id, event.type)
            return
        self._last_ids[user_id] += 1
        message = {**event.to_message(), "event_id": self._last_ids[user_id]}
        for connection in connections:
            connection.outgoing.offer(message)

    async def position(self, user_id: str) -> int:
        return self._last_ids[user_id]

    async def after(self, _user_id: str, _last_event_id: int) -> list[Message]:
        return []


@dataclass(frozen=True, slots=True)
class _AskerSink:
    connection: Connection
    delivery: EventDelivery

    async def emit(self, user_id: str, event: Event) -> None:
        if self.connection.is_open:
            await self.delivery.emit(user_id, event)
        else:
            logger.info("%s has left, %s is not sent", user_id, event.type)


class AnswersToAsker:
    """Sends an answer to whoever asked, as long as they are there."""

    def __init__(self, delivery: EventDelivery) -> None:
        self._delivery = delivery

    def sink_for(self, connection: Connection) -> EventSink:
        return _AskerSink(connection, self._delivery)


@dataclass(frozen=True, slots=True)
class _Pending:
    offer: Offer
    channel: str


class SharedSetup:
    """Prepares a connection while the auth service looks at its token."""

    def __init__(self, identities: HandshakeIdentity) -> None:
        self._identities = identities
        self._pending: _Pending

    async def establish(self, websocket: WebSocket) -> Handshake:
        offer = read_offer(websocket)
        self._pending = _Pending(offer, _subject(offer.token))
        identity = await self._identities.of(offer.token)
        return Handshake(
            identity=identity,
            channel=self._pending.channel,
            mode=self._pending.offer.mode,
            subprotocol=self._pending.offer.subprotocol,
            token=self._pending.offer.token,
        )


class FixedTimeouts:
    """Times that are easy on the network: few heartbeats, and as long a life as Cloud Run has."""

    def __init__(self, _settings: GatewaySettings) -> None:
        self.heartbeat_s = _HEARTBEAT_S
        self.lifetime_s = _LIFETIME_S
        self.reconnect_notice_s = _RECONNECT_NOTICE_S


def _subject(token: str) -> str:
    try:
        return str(read_unverified(token).get("sub", ""))
    except TokenRefused:
        return ""
