"""The connections that are open at this instance, and the users they belong to."""

from __future__ import annotations

import logging
from typing import Any

from gp_helpers.platform.clock import Clock
from gp_helpers.platform.errors import StoreUnavailable
from gp_helpers.platform.gateway.connection import Connection
from gp_helpers.platform.routing.roles import SessionDirectory

logger = logging.getLogger(__name__)


class PresenceLog:
    """Keeps the directory of sessions in step; a store that is away costs a log line."""

    def __init__(self, directory: SessionDirectory, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock

    async def came(self, connection: Connection) -> None:
        try:
            await self._directory.came(
                connection.connection_id, connection.identity.user_id, self._clock.now()
            )
        except StoreUnavailable as error:
            logger.warning("presence of %s not written: %s", connection.connection_id, error)

    async def left(self, connection: Connection) -> None:
        try:
            await self._directory.left(connection.connection_id)
        except StoreUnavailable as error:
            logger.warning("absence of %s not written: %s", connection.connection_id, error)


class ByConnection:
    """A registry keyed by connection: a user may have several, each comes and goes by itself."""

    def __init__(self, presence: PresenceLog) -> None:
        self._presence = presence
        self._by_user: dict[str, dict[str, Connection]] = {}

    def add(self, connection: Connection) -> None:
        self._by_user.setdefault(connection.channel, {})[connection.connection_id] = connection

    async def announce(self, connection: Connection) -> None:
        await self._presence.came(connection)

    async def remove(self, connection: Connection) -> None:
        connections = self._by_user.get(connection.channel, {})
        connections.pop(connection.connection_id, None)
        if not connections:
            self._by_user.pop(connection.channel, None)
        await self._presence.left(connection)

    def of_user(self, user_id: str) -> tuple[Connection, ...]:
        return tuple(self._by_user.get(user_id, {}).values())

    def state(self) -> dict[str, Any]:
        return {
            "connections": sum(len(connections) for connections in self._by_user.values()),
            "users": len(self._by_user),
        }
