"""What happens when a connection is over."""

from __future__ import annotations

from gp_helpers.platform.gateway.connection import Connection, Ending
from gp_helpers.platform.gateway.dispatch import Dispatcher
from gp_helpers.platform.gateway.roles import ConnectionRegistry


class CompleteCleanup:
    """Takes away everything that belongs to a connection, however it ended."""

    def __init__(self, dispatcher: Dispatcher, registry: ConnectionRegistry) -> None:
        self._dispatcher = dispatcher
        self._registry = registry

    async def finish(self, connection: Connection, _ending: Ending) -> None:
        self._dispatcher.unsubscribe(connection.connection_id)
        await self._registry.remove(connection)
