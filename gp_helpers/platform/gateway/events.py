"""The event manager: brings connections up and connects them to their users' events."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gp_helpers.platform.errors import StoreUnavailable
from gp_helpers.platform.gateway.connection import Connection
from gp_helpers.platform.gateway.dispatch import Dispatcher
from gp_helpers.platform.gateway.handlers import ClientHandlers
from gp_helpers.platform.gateway.roles import ConnectionRegistry, EventDelivery
from gp_helpers.platform.gateway.totals import Totals

if TYPE_CHECKING:
    from gp_helpers.platform.service_client import ServiceClient

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EventManagerParts:
    """What an event manager may use."""

    registry: ConnectionRegistry
    delivery: EventDelivery
    dispatcher: Dispatcher
    handlers: ClientHandlers
    totals: Totals
    http: ServiceClient
    auth_url: str


class LifespanEventManager:
    """Made once, before the instance is ready; registers a connection before it accepts it.

    A user's events are therefore connected to the socket when its client hears that it is open.
    """

    def __init__(self, parts: EventManagerParts) -> None:
        self._parts = parts

    async def open(self, connection: Connection) -> None:
        parts = self._parts
        parts.registry.add(connection)
        connection.outgoing.start_at(await parts.delivery.position(connection.channel))
        parts.dispatcher.subscribe(parts.handlers.of(connection))
        await connection.accept()
        await connection.greet()
        connection.add_job(lambda: self._announce(connection))

    async def _announce(self, connection: Connection) -> None:
        """Let other instances know, and read what they made before they could."""
        await self._parts.registry.announce(connection)
        try:
            newest = await self._parts.delivery.position(connection.channel)
        except StoreUnavailable as error:
            logger.warning("%s may miss events until the next: %s", connection.channel, error)
        else:
            connection.outgoing.hear_of(newest)
