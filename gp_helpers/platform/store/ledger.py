"""The ledger: which sessions are open, and which engines and agents were made for them."""

from __future__ import annotations

from sqlalchemy import bindparam, delete

from gp_helpers.platform.store.engine import Store
from gp_helpers.platform.store.schema import agent_sessions, session_parts

_ADD_SESSION = agent_sessions.insert()
_ADD_PART = session_parts.insert()
_REMOVE_SESSION = delete(agent_sessions).where(agent_sessions.c.id == bindparam("session_id"))
_REMOVE_PART = delete(session_parts).where(session_parts.c.id == bindparam("part_id"))


class Ledger:
    """The tables of sessions and their parts; a part cannot be there without its session."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def open_session(self, session_id: str, user_id: str, mode: str, now: float) -> None:
        """Raises `StoreUnavailable`."""
        await self._store.execute(
            _ADD_SESSION, id=session_id, user_id=user_id, mode=str(mode), opened_at=now
        )

    async def close_session(self, session_id: str) -> None:
        """Raises `StoreUnavailable`, and `IntegrityError` while parts of it are there."""
        await self._store.execute(_REMOVE_SESSION, session_id=session_id)

    async def add_part(self, part_id: str, session_id: str, role: str, now: float) -> None:
        """Raises `StoreUnavailable`, and `IntegrityError` without its session."""
        await self._store.execute(
            _ADD_PART, id=part_id, session_id=session_id, role=str(role), made_at=now
        )

    async def remove_part(self, part_id: str) -> None:
        """Raises `StoreUnavailable`."""
        await self._store.execute(_REMOVE_PART, part_id=part_id)
