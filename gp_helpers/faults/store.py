"""A store that everybody feels: its write lock, held from a real connection of our own.

In SQLite's WAL mode reads go on, and a write fails once it has waited past ``busy_timeout``; in
PostgreSQL writes wait for the lock, or fail at their ``lock_timeout``.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_LOCK_WAIT_S = 5.0


class WriteLockError(Exception):
    """Raised when the write lock cannot be had."""


@dataclass(slots=True)
class HeldLock:
    """A write lock that is held, or was. Times are of the monotonic clock."""

    since: float
    until: float | None = None

    @property
    def held_s(self) -> float:
        """How long it was held, or has been so far."""
        return (self.until or monotonic()) - self.since


@asynccontextmanager
async def held_write_lock(url: str) -> AsyncIterator[HeldLock]:
    """Hold the write lock of the database at `url` (SQLAlchemy's form) while the context is open.

    Nothing is written, and it is released on every way out.

    Raises:
        WriteLockError: the database is neither SQLite nor PostgreSQL, or is not there, or somebody
            else keeps the lock for more than 5 s.
    """
    # A SQLite connection belongs to the thread that made it.
    with ThreadPoolExecutor(1, thread_name_prefix="write-lock") as thread:
        loop = asyncio.get_running_loop()
        engine, connection = await loop.run_in_executor(thread, _lock, url)
        held = HeldLock(monotonic())
        try:
            yield held
        finally:
            thread.submit(_release, engine, connection).result()
            held.until = monotonic()


def _lock(url: str) -> tuple[Engine, Connection]:
    # Imported here: SQLAlchemy is slow to import, and most faults need none of it.
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    from gp_helpers.platform.store.engine import driver_url

    isolation = _isolation(url)
    _require_a_file(url)
    engine = create_engine(driver_url(url), poolclass=NullPool, isolation_level=isolation)
    try:
        connection = engine.connect()
        try:
            _take_lock(connection)
        except BaseException:
            connection.close()
            raise
    except Exception as error:
        engine.dispose()
        raise WriteLockError(f"cannot take the write lock: {error}") from error
    return engine, connection


def _require_a_file(url: str) -> None:
    """SQLite would make an empty database of a name that is wrong, and lock that."""
    from sqlalchemy import make_url

    named = make_url(url)
    is_file = named.get_backend_name() == "sqlite" and named.database not in (None, "", ":memory:")
    if is_file and not Path(str(named.database)).exists():
        raise WriteLockError(f"there is no database {named.database}")


def _isolation(url: str) -> str:
    """Transactions are begun by hand: SQLite's lock is taken by how they begin."""
    if not url.startswith(("sqlite", "postgres")):
        scheme = url.partition(":")[0]
        raise WriteLockError(f"only sqlite and postgresql stores can be locked, not {scheme!r}")
    return "AUTOCOMMIT"


def _take_lock(connection: Connection) -> None:
    from sqlalchemy import inspect, text

    if connection.dialect.name == "sqlite":
        connection.execute(text(f"PRAGMA busy_timeout = {int(_LOCK_WAIT_S * 1000)}"))
        connection.execute(text("BEGIN IMMEDIATE"))
        return
    quote = connection.dialect.identifier_preparer.quote
    tables = [quote(name) for name in inspect(connection).get_table_names()]
    connection.execute(text(f"SET lock_timeout = {int(_LOCK_WAIT_S * 1000)}"))
    connection.execute(text("BEGIN"))
    if tables:
        connection.execute(text(f"LOCK TABLE {', '.join(tables)} IN EXCLUSIVE MODE"))


def _release(engine: Engine, connection: Connection) -> None:
    from sqlalchemy import text

    try:
        connection.execute(text("ROLLBACK"))
    finally:
        connection.close()
        engine.dispose()
