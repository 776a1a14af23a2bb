"""Accounts: who may log in, and the name that they are shown under."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from gp_helpers.platform.errors import PlatformError
from gp_helpers.platform.store.engine import Insert, Store
from gp_helpers.platform.store.schema import accounts

_BY_EMAIL = select(accounts).where(accounts.c.email == bindparam("email"))
_BY_ID = select(accounts).where(accounts.c.id == bindparam("id"))


@cache
def _add(insert: Insert) -> Any:
    return (
        insert(accounts).on_conflict_do_nothing(index_elements=["email"]).returning(accounts.c.id)
    )


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
            added = connection.execute(_add(self._store.insert), asdict(account))
            return added.first() is not None

        if not await self._store.write(work):
            raise PlatformError("email_taken")

    async def by_email(self, email: str) -> Account | None:
        row = await self._store.first(_BY_EMAIL, email=email)
        return _account(row)

    async def by_id(self, user_id: str) -> Account | None:
        row = await self._store.first(_BY_ID, id=user_id)
        return _account(row)


def _account(row: Row[tuple[str, str, str, str]] | None) -> Account | None:
    if row is None:
        return None
    return Account(row.id, row.email, row.name, row.password_hash)
