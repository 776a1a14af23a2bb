"""Accounts: who may log in, and the name that they are shown under."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, Row, select

from gp_helpers.platform.errors import PlatformError
from gp_helpers.platform.store.engine import Store
from gp_helpers.platform.store.schema import accounts


@dataclass(frozen=True, slots=True)
class Account:
    """A registered user."""

    id: str
    email: str
    name: str
    password_hash: str


class Accounts:
    """The accounts table."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def add(self, account: Account) -> None:
        """Raises `PlatformError("email_taken")` where the address is in use."""

        def work(connection: Connection) -> bool:
            statement = (
                self._store.insert(accounts)
                .values(
                    id=account.id,
                    email=account.email,
                    name=account.name,
                    password_hash=account.password_hash,
                )
                .on_conflict_do_nothing(index_elements=["email"])
                .returning(accounts.c.id)
            )
            return connection.execute(statement).first() is not None

        if not await self._store.write(work):
            raise PlatformError("email_taken")

    async def by_email(self, email: str) -> Account | None:
        row = await self._store.first(select(accounts).where(accounts.c.email == email))
        return _account(row)

    async def by_id(self, user_id: str) -> Account | None:
        row = await self._store.first(select(accounts).where(accounts.c.id == user_id))
        return _account(row)


def _account(row: Row[tuple[str, str, str, str]] | None) -> Account | None:
    if row is None:
        return None
    return Account(row.id, row.email, row.name, row.password_hash)
