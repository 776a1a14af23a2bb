"""The WebSocket endpoint: every connection's way from its handshake to its clean-up."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import anyio
from starlette.websockets import WebSocket, WebSocketDisconnect

from gp_helpers.platform.clock import Clock
from gp_helpers.platform.contract import SUBPROTOCOL, AgentRequest, CloseCode
from gp_helpers.platform.correlation import adopt_correlation_id
from gp_helpers.platform.errors import PlatformError
from gp_helpers.platform.factories.contract import UserContext
from gp_helpers.platform.factories.live import LiveSessions
from gp_helpers.platform.gateway.connection import Connection, Ending, PeerGone
from gp_helpers.platform.gateway.dispatch import Dispatcher
from gp_helpers.platform.gateway.intake import RequestIntake
from gp_helpers.platform.gateway.keep_alive import KeepAlive
from gp_helpers.platform.gateway.messages import Frame, decode, error_message
from gp_helpers.platform.gateway.readiness import ManagerSlot
from gp_helpers.platform.gateway.roles import (
    ConnectionCleanup,
    ConnectionRegistry,
    ConnectionSetup,
    ConnectionTimeouts,
    CutHandling,
    EventDelivery,
    EventManager,
    Handshake,
    ReadinessGate,
)
from gp_helpers.platform.gateway.totals import Activity, Totals
from gp_helpers.platform.http import error_response
from gp_helpers.platform.routing.desks import Desks
from gp_helpers.platform.routing.queue import WorkQueue
from gp_helpers.platform.routing.sessions import EventNotices
from gp_helpers.platform.seams import Identity
from gp_helpers.platform.settings import GatewaySettings

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class GatewayParts:
    """The components of a gateway, each made once."""

    settings: GatewaySettings
    clock: Clock
    slot: ManagerSlot
    make_manager: Callable[[], EventManager]
    gate: ReadinessGate
    setup: ConnectionSetup
    timeouts: ConnectionTimeouts
    registry: ConnectionRegistry
    delivery: EventDelivery
    dispatcher: Dispatcher
    intake: RequestIntake
    queue: WorkQueue
    notices: EventNotices
    desks: Desks
    sessions: LiveSessions
    cut_handling: CutHandling
    cleanup: ConnectionCleanup
    keep_alive: KeepAlive
    totals: Totals


class WebSocketGateway:
    """Serves `/ws`. One call of `endpoint` owns its connection from beginning to end."""

    def __init__(self, parts: GatewayParts) -> None:
        self._parts = parts
        self._connections: dict[str, Connection] = {}

    async def start(self) -> None:
        """Make the event manager."""
        self._parts.slot.manager = self._parts.make_manager()

    async def endpoint(self, websocket: WebSocket) -> None:
        opened_at = self._parts.clock.monotonic()
        with self._parts.totals.during(Activity.HANDSHAKE):
            try:
                manager = await self._parts.gate.admit()
                handshake = await self._parts.setup.establish(websocket)
            except PlatformError as error:
                await _refuse(websocket, error)
                return
        connection = self._make_connection(websocket, handshake, opened_at)
        self._connections[connection.connection_id] = connection
        ending = Ending(CloseCode.INTERNAL, "internal")
        try:
            ending = await self._serve(websocket, connection, manager)
        finally:
            await self._clean_up(connection, ending)

    def state(self) -> dict[str, Any]:
        """What is open and under way; two equal readings with nothing in flight prove silence."""
        parts = self._parts
        connections = [connection.describe() for connection in self._connections.values()]
        under_way = parts.totals.under_way()
        queued = sum(connection.outgoing.queued for connection in self._connections.values())
        return {
            "in_flight": sum(under_way.values())
            + queued
            + parts.intake.in_progress
            + parts.notices.in_progress,
            "messages": {
                "received": parts.totals.received,
                "sent": parts.totals.sent,
                "accepted": parts.totals.accepted,
            },
            "heartbeats": parts.totals.heartbeats,
            "under_way": under_way,
            "requests": parts.intake.in_progress,
            "queued": queued,
            "connections": connections,
            "handlers": parts.dispatcher.handlers,
            "factories": parts.sessions.state(),
            "queue": parts.queue.state(),
            "locks": parts.desks.state(),
            "handoffs": parts.desks.paths(),
            "notices": parts.notices.in_progress,
            "registry": parts.registry.state(),
        }

    async def factories(self) -> dict[str, Any]:
        """Which factories fit the contract, and the object graph of every session."""
        return await self._parts.sessions.describe()

    def config(self) -> dict[str, Any]:
        """What a client may want to know before it connects; times are in seconds."""
        settings, timeouts = self._parts.settings, self._parts.timeouts
        return {
            "modes": [str(mode) for mode in self._parts.sessions.modes],
            "subprotocol": SUBPROTOCOL,
            "heartbeat_s": timeouts.heartbeat_s,
            "lifetime_s": timeouts.lifetime_s,
            "reconnect_notice_s": timeouts.reconnect_notice_s,
            "idle_timeout_s": settings.idle_timeout_s,
            "request_timeout_s": settings.request_timeout_s,
            "resume_grace_s": settings.resume_grace_s,
            "max_message_bytes": settings.max_message_bytes,
        }

    def hear_of(self, user_id: str, event_id: int) -> None:
        """Another instance has put an event of the user into the outbox."""
        for connection in self._parts.registry.of_user(user_id):
            connection.outgoing.hear_of(event_id)

    def work_on(self, identity: Identity, request: AgentRequest) -> None:
        """Take a request on that another instance hands over; raises `overloaded`."""
        self._parts.intake.accept_from_peer(identity, request)

    @property
    def waiting(self) -> int:
        """How many requests wait for a worker."""
        return self._parts.queue.waiting

    def _make_connection(
        self, websocket: WebSocket, handshake: Handshake, opened_at: float
    ) -> Connection:
        parts = self._parts

        async def fetch(last_event_id: int) -> list[dict[str, Any]]:
            return await parts.delivery.after(handshake.channel, last_event_id)

        connection = Connection(
            websocket,
            handshake,
            timeouts=parts.timeouts,
            settings=parts.settings,
            totals=parts.totals,
            fetch=fetch,
            opened_at=opened_at,
        )
        connection.add_job(lambda: self._receive(websocket, connection))
        parts.keep_alive.watch(connection)
        return connection

    async def _serve(
        self, websocket: WebSocket, connection: Connection, manager: EventManager
    ) -> Ending:
        try:
            with self._parts.totals.during(Activity.HANDSHAKE):
                await self._open_session(websocket, connection)
                await manager.open(connection)
        except PeerGone:
            return Ending(1006, "gone during the handshake", by_peer=True)
        except PlatformError as error:
            await _refuse(websocket, error)
            return Ending(CloseCode.TRY_LATER, error.code)
        return await connection.run()

    async def _open_session(self, websocket: WebSocket, connection: Connection) -> None:
        context = UserContext(
            connection.identity,
            connection.connection_id,
            connection.mode,
            websocket.query_params.get("device"),
        )
        sink = self._parts.cut_handling.sink_for(connection)
        await self._parts.sessions.open(context, sink)

    async def _clean_up(self, connection: Connection, ending: Ending) -> None:
        with self._parts.totals.during(Activity.CLEAN_UP), anyio.CancelScope(shield=True):
            try:
                await self._parts.cleanup.finish(connection, ending)
                await self._parts.sessions.leave(connection.connection_id)
            finally:
                del self._connections[connection.connection_id]

    async def _receive(self, websocket: WebSocket, connection: Connection) -> None:
        while True:
            event = await websocket.receive()
            if event["type"] == "websocket.disconnect":
                connection.end_by_peer(event.get("code") or CloseCode.NORMAL)
                return
            self._parts.totals.received += 1
            with self._parts.totals.during(Activity.MESSAGE):
                correlation_id = adopt_correlation_id(None)
                await self._handle(connection, event.get("text"), correlation_id)

    async def _handle(self, connection: Connection, text: str | None, correlation_id: str) -> None:
        settings = self._parts.settings
        if text is not None and len(text.encode()) > settings.max_message_bytes:
            connection.end(CloseCode.TOO_BIG, f"at most {settings.max_message_bytes} bytes")
            return
        frame = Frame()
        try:
            if text is None:
                raise PlatformError("invalid_request", "Binary messages are not understood.")
            frame = decode(text)
            taken = await self._parts.dispatcher.dispatch(connection.connection_id, frame.read())
        except PlatformError as error:
            logger.info("message on %s: %s", connection.connection_id, error)
            answer = error_message(error, frame.request_id, correlation_id)
            await connection.outgoing.reply(answer)
            connection.misunderstood += 1
            if connection.misunderstood > settings.misunderstood_allowed:
                connection.end(CloseCode.POLICY, "too many messages that cannot be understood")
        else:
            connection.misunderstood = 0
            if not taken:
                logger.warning("nobody handles messages of %s", connection.connection_id)


async def _refuse(websocket: WebSocket, error: PlatformError) -> None:
    """Answer the handshake with the error's status, before it was accepted."""
    logger.info("handshake refused: %s", error)
    try:
        await websocket.send_denial_response(error_response(error))
    except (OSError, RuntimeError, WebSocketDisconnect):
        logger.debug("a refused client was gone before its answer")
