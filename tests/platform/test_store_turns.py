"""Turns of one service's writers: who waits, and for whom a locked store counts."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gp_helpers.platform.errors import StoreUnavailable
from gp_helpers.platform.store.turns import Turns

pytestmark = pytest.mark.anyio


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    """A database whose write lock is held."""
    found = tmp_path / "own.db"
    with closing(sqlite3.connect(found, isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        yield found


class Writer:
    """Finds the store as `statement` does, once it may go on."""

    def __init__(self, turns: Turns, path: Path, statement: str = "BEGIN IMMEDIATE") -> None:
        self._turns = turns
        self._path = path
        self._statement = statement
        self.has_turn = asyncio.Event()
        self.go_on = asyncio.Event()

    async def write(self) -> None:
        async with self._turns.take():
            self.has_turn.set()
            await self.go_on.wait()
            with closing(sqlite3.connect(self._path, timeout=0, isolation_level=None)) as own:
                try:
                    own.execute(self._statement)
                except sqlite3.OperationalError as error:
                    raise StoreUnavailable from error

    def start(self) -> asyncio.Task[None]:
        return asyncio.create_task(self.write())


async def test_who_waited_behind_a_locked_store_fails_with_it_and_who_came_later_asks_anew(
    path: Path,
) -> None:
    turns = Turns()
    holder, first = Writer(turns, path, "SELECT 1"), Writer(turns, path)
    waiting = [Writer(turns, path) for _ in range(3)]
    begun = [one.start() for one in (holder, first, *waiting)]
    await holder.has_turn.wait()
    holder.go_on.set()
    await first.has_turn.wait()
    for one in waiting:
        one.go_on.set()
    late = Writer(turns, path, "SELECT 1")
    late.go_on.set()
    writing = late.start()
    await asyncio.sleep(0)
    assert not late.has_turn.is_set()
    first.go_on.set()
    outcomes = await asyncio.gather(*begun, return_exceptions=True)
    assert [type(one) for one in outcomes] == [type(None)] + [StoreUnavailable] * 4
    assert first.has_turn.is_set()
    assert not any(one.has_turn.is_set() for one in waiting)
    await writing
    assert late.has_turn.is_set()


async def test_a_failure_of_another_kind_is_only_ones_own(path: Path) -> None:
    turns = Turns()
    statements = ("SELECT 1", "no SQL", "SELECT 1")
    writers = [Writer(turns, path, statement) for statement in statements]
    begun = [one.start() for one in writers]
    await writers[0].has_turn.wait()
    for one in writers:
        one.go_on.set()
    outcomes = await asyncio.gather(*begun, return_exceptions=True)
    assert [type(one) for one in outcomes] == [type(None), StoreUnavailable, type(None)]
