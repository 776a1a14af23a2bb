"""Opening, creating and dropping the store, and running work on it in threads.

`Store.read` and `Store.write` run a function over one transaction; a write takes SQLite's write
lock at its beginning, so that it waits for `busy_timeout_s` instead of failing half-way. SQLite's
writers do not queue, so those of one service take turns here (see `turns`). What is asked often is
a statement built once, with named parameters: building one costs as much as running it.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import anyio
import anyio.to_thread
from sqlalchemy import (
    Connection,
    Dialect,
    Engine,
    Executable,
    QueuePool,
    Row,
    Table,
    create_engine,
    event,
    select,
    text,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from gp_helpers.platform.errors import StoreUnavailable
from gp_helpers.platform.settings import StoreSettings
from gp_helpers.platform.store import schema
from gp_helpers.platform.store.turns import Turns

T = TypeVar("T")
Insert = Callable[[Table], Any]
_SCHEMA_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")


class Store:
    """One service's view of the store: a pool of connections, used in as many threads."""

    def __init__(self, settings: StoreSettings) -> None:
        self._settings = settings
        self._engine = _engine(settings)
        self._writer = self._engine.execution_options(write=True)
        # Not anyio's threads: finding their owner takes a look at every task, each time.
        self._threads = ThreadPoolExecutor(settings.pool_size, thread_name_prefix="store")
        self._turns = Turns() if self._engine.dialect.name == "sqlite" else None
        self.insert = _insert_of(self._engine.dialect.name)
        """An INSERT of this store's dialect, which knows `on_conflict_…` and `returning`."""

    async def read(self, work: Callable[[Connection], T]) -> T:
        """The work's result; raises `StoreUnavailable`."""
        return await self._run(self._engine, work)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """The work's result, committed; raises `StoreUnavailable` with nothing written."""
        if self._turns is None:
            return await self._run(self._writer, work)
        async with self._turns.take():
            return await self._run(self._writer, work)

    async def rows(self, query: Executable, **parameters: Any) -> Sequence[Row[Any]]:
        """All rows of one query."""
        return await self.read(lambda connection: connection.execute(query, parameters).all())

    async def first(self, query: Executable, **parameters: Any) -> Row[Any] | None:
        """The first row of one query."""
        return await self.read(lambda connection: connection.execute(query, parameters).first())

    async def execute(self, statement: Executable, **parameters: Any) -> None:
        """Write with one statement, committed."""

        def work(connection: Connection) -> None:
            connection.execute(statement, parameters)

        await self.write(work)

    async def create(self) -> None:
        """Make the schema and its tables, before anything is read or written."""
        await asyncio.get_running_loop().run_in_executor(
            self._threads, _create, self._engine, self._settings.schema_name
        )

    async def version(self) -> int:
        """The schema's version; raises `StoreUnavailable` where there is no schema."""
        try:
            row = await self.first(select(schema.schema_version.c.version))
        except ProgrammingError as error:
            raise StoreUnavailable("The store has no schema.") from error
        if row is None:
            raise StoreUnavailable("The store's schema is not complete.")
        return int(row.version)

    async def close(self) -> None:
        """Wait for what still runs, and close all connections."""

        def close() -> None:
            self._threads.shutdown()
            self._engine.dispose()

        await anyio.to_thread.run_sync(close)

    async def _run(self, engine: Engine, work: Callable[[Connection], T]) -> T:
        def in_transaction() -> T:
            with engine.begin() as connection:
                return work(connection)

        try:
            running = asyncio.get_running_loop().run_in_executor(self._threads, in_transaction)
            with anyio.CancelScope(shield=True):
                await asyncio.wait([running])
            return running.result()
        except (OperationalError, InterfaceError, PoolTimeout, sqlite3.OperationalError) as error:
            raise StoreUnavailable(f"The store cannot be used now ({_reason(error)}).") from error


def create_store(settings: StoreSettings) -> None:
    """Make the schema and its tables (blocking).

    Raises:
        DBAPIError: it cannot be made; where there is one, it is left as it is.
    """
    engine = _engine(settings)
    try:
        _create(engine, settings.schema_name)
    finally:
        engine.dispose()


def _create(engine: Engine, schema_name: str | None) -> None:
    if engine.dialect.name == "sqlite":
        with closing(sqlite3.connect(":memory:")) as empty, engine.connect() as connection:
            # A backup would replace what is there; the first table cannot be made twice.
            schema.schema_version.create(connection, checkfirst=False)
            connection.rollback()
            empty.deserialize(_empty_database())
            driver: Any = connection.connection.driver_connection
            empty.backup(driver)
        return
    with engine.begin() as connection:
        if schema_name is not None:
            connection.execute(text(f"CREATE SCHEMA {_checked(schema_name)}"))
        _define(connection)


@cache
def _empty_database() -> bytes:
    """A SQLite database with nothing but the tables, for a process and its forks."""
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        _define(connection)
    with engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        return bytes(driver.serialize())


def _define(connection: Connection) -> None:
    """Make the tables and their indexes, and say which version they are."""
    schema.metadata.create_all(connection, checkfirst=False)
    connection.execute(schema.schema_version.insert().values(version=schema.SCHEMA_VERSION))


def drop_store(settings: StoreSettings) -> None:
    """Remove what was made: the PostgreSQL schema, or the SQLite file with its WAL (blocking)."""
    url = driver_url(settings.url)
    if url.get_backend_name() == "sqlite":
        for suffix in ("", "-wal", "-shm"):
            Path(f"{url.database}{suffix}").unlink(missing_ok=True)
        return
    engine = _engine(settings)
    try:
        with engine.begin() as connection:
            if settings.schema_name is not None:
                name = _checked(settings.schema_name)
                connection.execute(text(f"DROP SCHEMA IF EXISTS {name} CASCADE"))
            else:
                schema.metadata.drop_all(connection)
    finally:
        engine.dispose()


def _insert_of(dialect: str) -> Insert:
    if dialect == "sqlite":
        return sqlite.insert
    # Brings the dialects of three drivers with it, which nobody needs where there is SQLite.
    from sqlalchemy.dialects import postgresql

    return postgresql.insert


def _checked(schema_name: str) -> str:
    if not _SCHEMA_NAME.fullmatch(schema_name):
        raise ValueError(f"not a schema name: {schema_name!r}")
    return schema_name


def driver_url(url: str) -> URL:
    """The URL with the driver that is installed, where `postgresql://` names none."""
    parsed = make_url(url)
    if parsed.drivername in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+psycopg")
    return parsed


def _engine(settings: StoreSettings) -> Engine:
    url = driver_url(settings.url)
    if url.get_backend_name() == "sqlite":
        return _sqlite_engine(settings)
    milliseconds = int(settings.busy_timeout_s * 1000)
    options = f"-c lock_timeout={milliseconds} -c statement_timeout={milliseconds}"
    if settings.schema_name is not None:
        options += f" -c search_path={_checked(settings.schema_name)}"
    return create_engine(
        url,
        pool_size=settings.pool_size,
        max_overflow=0,
        pool_timeout=settings.busy_timeout_s,
        connect_args={"options": options},
    )


_compiled_for_sqlite: dict[Any, Any] = {}


@cache
def _sqlite_dialect() -> Dialect:
    """One for all SQLite stores of a process and its forks: statements are compiled once for it.

    `create_engine` would make another one for each store.
    """
    engine = create_engine("sqlite://")
    engine.connect().close()
    return engine.dialect


def _sqlite_engine(settings: StoreSettings) -> Engine:
    url = make_url(settings.url)
    dialect = _sqlite_dialect()

    def connect() -> Any:
        # With an isolation level the driver would begin transactions by itself, and too late.
        connection = sqlite3.connect(
            url.database or ":memory:",
            timeout=settings.busy_timeout_s,
            check_same_thread=False,
            isolation_level=None,
        )
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {settings.synchronous}")
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    pool = QueuePool(
        connect,
        pool_size=settings.pool_size,
        max_overflow=0,
        timeout=settings.busy_timeout_s,
        dialect=dialect,
    )
    engine = Engine(pool, dialect, url, execution_options={"compiled_cache": _compiled_for_sqlite})

    def begin(connection: Connection) -> None:
        immediate = connection.get_execution_options().get("write", False)
        # Straight to the driver: every transaction pays for it.
        driver: Any = connection.connection.driver_connection
        driver.execute("BEGIN IMMEDIATE" if immediate else "BEGIN")

    event.listen(engine, "begin", begin)
    return engine


def _reason(error: Exception) -> str:
    original = error.orig if isinstance(error, DBAPIError) else error
    return str(original).strip().partition("\n")[0] or type(original).__name__
