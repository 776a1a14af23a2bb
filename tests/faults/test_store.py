"""A held write lock is felt by those who write, and gone afterwards."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from gp_helpers.faults import WriteLockError, held_write_lock

pytestmark = pytest.mark.anyio


def make_sqlite(path: Path) -> str:
    url = f"sqlite:///{path / 'store.db'}"
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("PRAGMA journal_mode = WAL"))
        connection.execute(text("CREATE TABLE notes (text TEXT)"))
    engine.dispose()
    return url


def write(url: str, wait_ms: int) -> None:
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            if url.startswith("sqlite"):
                connection.execute(text(f"PRAGMA busy_timeout = {wait_ms}"))
            else:
                connection.execute(text(f"SET lock_timeout = {wait_ms}"))
            connection.execute(text("INSERT INTO notes VALUES ('written')"))
    finally:
        engine.dispose()


def count(url: str) -> int:
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return int(connection.execute(text("SELECT count(*) FROM notes")).scalar_one())
    finally:
        engine.dispose()


async def assert_writers_feel_it(url: str) -> None:
    async with held_write_lock(url) as held:
        assert await asyncio.to_thread(count, url) == 0
        with pytest.raises(OperationalError, match="lock"):
            await asyncio.to_thread(write, url, 100)
        waiting = asyncio.ensure_future(asyncio.to_thread(write, url, 5000))
        assert not (await asyncio.wait({waiting}, timeout=0.1))[0]
    await waiting
    assert count(url) == 1
    assert held.held_s >= 0.2


async def test_sqlite_writers_wait_and_fail_while_readers_go_on(tmp_path: Path) -> None:
    await assert_writers_feel_it(make_sqlite(tmp_path))


async def test_postgresql_writers_wait_and_fail_while_readers_go_on(postgresql_url: str) -> None:
    engine = create_engine(postgresql_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE notes (text TEXT)"))
    try:
        await assert_writers_feel_it(postgresql_url)
        plain = postgresql_url.replace("postgresql+psycopg:", "postgresql:")
        async with held_write_lock(plain) as held:
            assert held.until is None
    finally:
        with engine.begin() as connection:
            connection.execute(text("DROP TABLE notes"))
        engine.dispose()


async def test_the_lock_is_released_on_an_exception_and_writes_nothing(tmp_path: Path) -> None:
    url = make_sqlite(tmp_path)
    with pytest.raises(ZeroDivisionError):
        async with held_write_lock(url):
            raise ZeroDivisionError
    write(url, 0)
    assert count(url) == 1


async def test_the_lock_is_released_on_cancellation(tmp_path: Path) -> None:
    url = make_sqlite(tmp_path)
    locked = asyncio.Event()

    async def hold() -> None:
        async with held_write_lock(url):
            locked.set()
            await asyncio.Event().wait()

    holding = asyncio.ensure_future(hold())
    await locked.wait()
    holding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await holding
    write(url, 0)


async def test_other_databases_are_refused() -> None:
    with pytest.raises(WriteLockError, match="not 'mysql'"):
        await held_write_lock("mysql://nowhere/db").__aenter__()


async def test_a_database_that_is_not_there_is_a_clear_error_and_is_not_made(
    tmp_path: Path,
) -> None:
    for path in (tmp_path / "store.db", tmp_path / "no" / "store.db"):
        with pytest.raises(WriteLockError, match=r"there is no database .*store\.db"):
            async with held_write_lock(f"sqlite:///{path}"):
                pass
        assert not path.exists()
