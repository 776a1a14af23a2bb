"""How an agent's events reach their user: through the outbox, so that a cut loses nothing."""

from __future__ import annotations

from gp_helpers.platform.contract import Event
from gp_helpers.platform.gateway.connection import Connection
from gp_helpers.platform.gateway.messages import Message
from gp_helpers.platform.gateway.roles import ConnectionRegistry, EventDelivery
from gp_helpers.platform.routing.sessions import EventNotices
from gp_helpers.platform.seams import EventSink
from gp_helpers.platform.store import Outbox


class OutboxDelivery:
    """Stores each event first, then offers it to every connection of its user, everywhere."""

    def __init__(self, outbox: Outbox, registry: ConnectionRegistry, notices: EventNotices) -> None:
        self._outbox = outbox
        self._registry = registry
        self._notices = notices

    async def emit(self, user_id: str, event: Event) -> None:
        """Raises `StoreUnavailable`; then nobody got the event."""
        message = event.to_message()
        message["event_id"] = await self._outbox.append(user_id, message)
        for connection in self._registry.of_user(user_id):
            connection.outgoing.offer(message)
        self._notices.tell(user_id, message["event_id"])

    async def position(self, user_id: str) -> int:
        return await self._outbox.last_id(user_id)

    async def after(self, user_id: str, last_event_id: int) -> list[Message]:
        return await self._outbox.after(user_id, last_event_id)


class DurableAnswers:
    """Sends every answer to its user, wherever they are connected by then."""

    def __init__(self, delivery: EventDelivery) -> None:
        self._delivery = delivery

    def sink_for(self, _connection: Connection) -> EventSink:
        return self._delivery
