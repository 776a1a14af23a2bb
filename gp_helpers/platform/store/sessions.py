"""Refresh tokens with their families, and access tokens that died before their time."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from sqlalchemy import Connection, bindparam, select, update

from gp_helpers.platform.store.engine import Store
from gp_helpers.platform.store.schema import refresh_tokens, revoked_tokens

_ADD = refresh_tokens.insert()
_REVOKED = select(revoked_tokens.c.jti).where(revoked_tokens.c.jti == bindparam("jti"))


class Redemption(Enum):
    """What became of a refresh token that was shown."""

    ROTATED = "rotated"
    """It was fresh, and is used up now."""
    REUSED = "reused"
    """It had been used before; its whole family is revoked now."""
    REFUSED = "refused"
    """It is unknown, or its family was revoked."""


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """One link of a family of refresh tokens."""

    jti: str
    family: str
    expires_at: float


class Sessions:
    """The tables of refresh tokens and of revoked access tokens."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def begin(self, token: RefreshToken) -> None:
        """Remember the first refresh token of a new family."""
        await self._store.write(lambda connection: _add(connection, token))

    async def rotate(self, jti: str, successor: RefreshToken, now: float) -> Redemption:
        """Use up a refresh token for its successor; reuse revokes the family instead."""

        def work(connection: Connection) -> Redemption:
            row = connection.execute(
                select(refresh_tokens).where(refresh_tokens.c.jti == jti).with_for_update()
            ).first()
            if row is None or row.revoked_at is not None:
                return Redemption.REFUSED
            if row.used_at is not None:
                _revoke_family(connection, row.family, now)
                return Redemption.REUSED
            connection.execute(
                update(refresh_tokens).where(refresh_tokens.c.jti == jti).values(used_at=now)
            )
            _add(connection, successor)
            return Redemption.ROTATED

        return await self._store.write(work)

    async def end(self, family: str, now: float) -> None:
        """Revoke a whole family of refresh tokens."""
        await self._store.write(lambda connection: _revoke_family(connection, family, now))

    async def revoke_access(self, jti: str, expires_at: float) -> None:
        """Remember that an access token is dead."""
        statement = (
            self._store.insert(revoked_tokens)
            .values(jti=jti, expires_at=expires_at)
            .on_conflict_do_nothing(index_elements=["jti"])
        )
        await self._store.execute(statement)

    async def is_revoked(self, jti: str) -> bool:
        return await self._store.first(_REVOKED, jti=jti) is not None


def _add(connection: Connection, token: RefreshToken) -> None:
    connection.execute(
        _ADD, {"jti": token.jti, "family": token.family, "expires_at": token.expires_at}
    )


def _revoke_family(connection: Connection, family: str, now: float) -> None:
    connection.execute(
        update(refresh_tokens)
        .where(refresh_tokens.c.family == family, refresh_tokens.c.revoked_at.is_(None))
        .values(revoked_at=now)
    )
