"""The outbox: every event of a user, numbered and kept, so that it can be delivered later."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import Connection, bindparam, select

from gp_helpers.platform.store.engine import Insert, Store
from gp_helpers.platform.store.schema import outbox, outbox_heads

_ADD = outbox.insert()
_LAST_ID = select(outbox_heads.c.last_id).where(outbox_heads.c.user_id == bindparam("user_id"))


@cache
def _raise_head(insert: Insert) -> Any:
    return (
        insert(outbox_heads)
        .values(user_id=bindparam("user_id"), last_id=1)
        .on_conflict_do_update(
            index_elements=["user_id"], set_={"last_id": outbox_heads.c.last_id + 1}
        )
        .returning(outbox_heads.c.last_id)
    )


class Outbox:
    """Messages by user and growing `event_id`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._raise_head = _raise_head(store.insert)

    async def append(self, user_id: str, message: Mapping[str, Any]) -> int:
        """The message's new `event_id`: one more than the user's last, given in the transaction."""

        def work(connection: Connection) -> int:
            head = connection.execute(self._raise_head, {"user_id": user_id})
            event_id: int = head.scalar_one()
            stored = {**message, "event_id": event_id}
            connection.execute(_ADD, {"user_id": user_id, "event_id": event_id, "message": stored})
            return event_id

        return await self._store.write(work)

    async def after(self, user_id: str, last_event_id: int) -> list[dict[str, Any]]:
        """The user's messages beyond `last_event_id`, in order, each with its `event_id`."""
        rows = await self._store.rows(
            select(outbox.c.message)
            .where(outbox.c.user_id == user_id, outbox.c.event_id > last_event_id)
            .order_by(outbox.c.event_id)
        )
        return [dict(row.message) for row in rows]

    async def last_id(self, user_id: str) -> int:
        """The user's highest `event_id`, 0 where there is none."""
        row = await self._store.first(_LAST_ID, user_id=user_id)
        return 0 if row is None else int(row.last_id)
