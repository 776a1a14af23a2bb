"""Presence: which connection of which user is open at which instance."""

from __future__ import annotations

from sqlalchemy import bindparam, delete, select

from gp_helpers.platform.store.engine import Store
from gp_helpers.platform.store.schema import presence

_ADD = presence.insert()
_REMOVE = delete(presence).where(presence.c.connection_id == bindparam("closed"))
_INSTANCES = (
    select(presence.c.instance_id).where(presence.c.user_id == bindparam("user_id")).distinct()
)


class Presence:
    """The presence table."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def connected(
        self, connection_id: str, user_id: str, instance_id: str, now: float
    ) -> None:
        await self._store.execute(
            _ADD,
            connection_id=connection_id,
            user_id=user_id,
            instance_id=instance_id,
            connected_at=now,
        )

    async def disconnected(self, connection_id: str) -> None:
        """Forget a connection; one that is not there is no error."""
        await self._store.execute(_REMOVE, closed=connection_id)

    async def instances_of(self, user_id: str) -> list[str]:
        """The instances where the user has a connection, each once."""
        rows = await self._store.rows(_INSTANCES, user_id=user_id)
        return [row.instance_id for row in rows]

    async def connections_of(self, user_id: str) -> list[str]:
        rows = await self._store.rows(
            select(presence.c.connection_id)
            .where(presence.c.user_id == user_id)
            .order_by(presence.c.connected_at)
        )
        return [row.connection_id for row in rows]
