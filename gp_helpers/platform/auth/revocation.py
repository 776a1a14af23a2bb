"""Revocation that every instance of the auth service knows of, because it is in the store."""

from __future__ import annotations

from gp_helpers.platform.clock import Clock
from gp_helpers.platform.store import Sessions


class SharedRevocationList:
    """Dead tokens, in the store."""

    def __init__(self, sessions: Sessions, _clock: Clock) -> None:
        self._sessions = sessions

    async def revoke(self, token_id: str, expires_at: float) -> None:
        await self._sessions.revoke_access(token_id, expires_at)

    async def is_revoked(self, token_id: str) -> bool:
        return await self._sessions.is_revoked(token_id)
