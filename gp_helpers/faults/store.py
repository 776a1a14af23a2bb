"""A store that everybody feels: its write lock, held from a real connection of our own.

In SQLite's WAL mode reads go on, and a write fails once it has waited past ``busy_timeout``; in
PostgreSQL writes wait for the lock, or fail at their ``lock_timeout``.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

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
        release = await loop.run_in_executor(thread, _lock, url)
        held = HeldLock(monotonic())
        try:
            yield held
        finally:
            thread.submit(release).result()
            held.until = monotonic()


def _lock(url: str) -> Callable[[], None]:
    """Take the lock; what is returned gives it back, in the same thread."""
    scheme = url.partition(":")[0]
    if not scheme.startswith(("sqlite", "postgres")):
        raise WriteLockError(f"only sqlite and postgresql stores can be locked, not {scheme!r}")
    try:
        if scheme.startswith("sqlite"):
            return _lock_sqlite(Path(url.partition("://")[2].partition("?")[0].removeprefix("/")))
        return _lock_postgresql(url)
    except WriteLockError:
        raise
    except Exception as error:
        raise WriteLockError(f"cannot take the write lock: {error}") from error


def _lock_sqlite(database: Path) -> Callable[[], None]:
    # SQLite would make an empty database of a name that is wrong, and lock that.
    if not database.is_file():
        raise WriteLockError(f"there is no database {database}")
    connection = sqlite3.connect(database, timeout=_LOCK_WAIT_S, isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
    except BaseException:
        connection.close()
        raise

    def release() -> None:
        try:
            connection.execute("ROLLBACK")
        finally:
            connection.close()

    return release


def _lock_postgresql(url: str) -> Callable[[], None]:
    # Imported here: SQLAlchemy is slow to import, and most faults need none of it.
    from sqlalchemy import create_engine, inspect, text
    from sqlalchemy.pool import NullPool

    from gp_helpers.platform.store.engine import driver_url

    # Transactions are begun by hand.
    engine = create_engine(driver_url(url), poolclass=NullPool, isolation_level="AUTOCOMMIT")
    connection = engine.connect()

    def release() -> None:
        try:
            connection.execute(text("ROLLBACK"))
        finally:
            connection.close()

    try:
        quote = connection.dialect.identifier_preparer.quote
        tables = [quote(name) for name in inspect(connection).get_table_names()]
        connection.execute(text(f"SET lock_timeout = {int(_LOCK_WAIT_S * 1000)}"))
        connection.execute(text("BEGIN"))
        if tables:
            connection.execute(text(f"LOCK TABLE {', '.join(tables)} IN EXCLUSIVE MODE"))
    except BaseException:
        connection.close()
        raise
    return release
