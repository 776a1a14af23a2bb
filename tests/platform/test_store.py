"""The store's promises, on SQLite and on a real PostgreSQL server."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from sqlalchemy import Connection, insert, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from gp_helpers.platform.errors import PlatformError, StoreUnavailable
from gp_helpers.platform.settings import StoreSettings
from gp_helpers.platform.store import (
    Account,
    Accounts,
    Billing,
    Conversations,
    Outbox,
    Presence,
    Sessions,
    Store,
    create_store,
    drop_store,
)
from gp_helpers.platform.store.billing import workspace_lines
from gp_helpers.platform.store.engine import driver_url
from gp_helpers.platform.store.schema import schema_version
from gp_helpers.platform.store.sessions import Redemption, RefreshToken

pytestmark = pytest.mark.anyio


@pytest.fixture(
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.needs("postgresql"))]
)
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StoreSettings]:
    if request.param == "sqlite":
        made = StoreSettings(url=f"sqlite:///{tmp_path / 'own.db'}", busy_timeout_s=0.3)
    else:
        url = make_url(request.getfixturevalue("postgresql_url")).set(drivername="postgresql")
        plain = url.render_as_string(hide_password=False)
        made = StoreSettings(url=plain, schema_name="store_test", busy_timeout_s=0.3)
    create_store(made)
    yield made
    drop_store(made)


@pytest.fixture
async def store(settings: StoreSettings) -> AsyncIterator[Store]:
    opened = Store(settings)
    yield opened
    await opened.close()


async def test_version_of_a_store_and_of_none(store: Store, settings: StoreSettings) -> None:
    assert await store.version() == 1
    drop_store(settings)
    away = Store(settings)
    with pytest.raises(StoreUnavailable):
        await away.version()
    await away.close()


async def test_a_store_that_is_there_is_not_made_again(
    store: Store, settings: StoreSettings
) -> None:
    await store.execute(insert(schema_version).values(version=7))
    with pytest.raises(DBAPIError, match="already exists"):
        create_store(settings)
    versions = await store.rows(select(schema_version.c.version))
    assert sorted(row.version for row in versions) == [1, 7]


@pytest.mark.parametrize(
    ("stated", "used"),
    [
        ("postgresql://ada:pw@db:5433/lab?x=y", "postgresql+psycopg://ada:pw@db:5433/lab?x=y"),
        ("postgres://db/lab", "postgresql+psycopg://db/lab"),
        ("postgresql+psycopg://db/lab", "postgresql+psycopg://db/lab"),
        ("postgresql+pg8000://db/lab", "postgresql+pg8000://db/lab"),
        ("sqlite:////abs/own.db", "sqlite:////abs/own.db"),
    ],
)
async def test_a_url_that_names_no_driver_gets_the_one_that_is_installed(
    stated: str, used: str
) -> None:
    assert driver_url(stated).render_as_string(hide_password=False) == used


async def test_event_ids_grow_by_one_for_each_user_however_many_write(store: Store) -> None:
    outbox = Outbox(store)
    given: dict[str, list[int]] = {"a": [], "b": []}

    async def write(user: str, number: int) -> None:
        given[user].append(await outbox.append(user, {"number": number}))

    async with anyio.create_task_group() as group:
        for number in range(20):
            group.start_soon(write, "a", number)
            group.start_soon(write, "b", number)
    assert sorted(given["a"]) == sorted(given["b"]) == list(range(1, 21))
    kept = await outbox.after("a", 17)
    assert [message["event_id"] for message in kept] == [18, 19, 20]
    assert await outbox.last_id("a") == 20
    assert await outbox.last_id("nobody") == 0
    assert await outbox.after("nobody", 0) == []


async def test_a_held_write_lock_is_a_store_that_is_unavailable(
    store: Store, settings: StoreSettings
) -> None:
    if not settings.url.startswith("sqlite"):
        await _hold_postgresql_lock(store)
        return
    holder = sqlite3.connect(settings.url.removeprefix("sqlite:///"), isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    assert await Outbox(store).last_id("a") == 0
    with pytest.raises(StoreUnavailable) as failure:
        await Outbox(store).append("a", {})
    assert failure.value.retryable
    holder.execute("ROLLBACK")
    holder.close()
    assert await Outbox(store).append("a", {}) == 1


async def _hold_postgresql_lock(store: Store) -> None:
    held, release = anyio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    async def hold() -> None:
        def work(connection: Any) -> None:
            connection.exec_driver_sql("LOCK TABLE outbox_heads IN EXCLUSIVE MODE")
            loop.call_soon_threadsafe(held.set)
            release.wait()

        await store.write(work)

    async with anyio.create_task_group() as group:
        group.start_soon(hold)
        await held.wait()
        with pytest.raises(StoreUnavailable):
            await Outbox(store).append("a", {})
        release.set()
    assert await Outbox(store).append("a", {}) == 1


async def test_conversations_belong_to_their_owner_and_requests_are_stored_once(
    store: Store,
) -> None:
    conversations = Conversations(store)
    thread = await conversations.create("a", "Costs", 1.0)
    question = await conversations.add("a", thread.id, "user", "why?", 2.0, request_id="r1")
    again = await conversations.add("a", thread.id, "user", "why?", 3.0, request_id="r1")
    answer = await conversations.add("a", thread.id, "assistant", "so", 4.0, request_id="r1")
    plain = [await conversations.add("a", thread.id, "user", "hm", 5.0) for _ in range(2)]
    assert again == question
    assert await conversations.messages_in("a", thread.id) == [question, answer, *plain]
    assert await conversations.threads_of("a") == [thread]
    assert await conversations.threads_of("b") == []
    for attempt in (
        conversations.thread("b", thread.id),
        conversations.messages_in("b", thread.id),
        conversations.add("b", thread.id, "user", "mine", 6.0),
    ):
        with pytest.raises(PlatformError, match="thread_not_found"):
            await attempt


async def test_one_of_many_takes_an_address(store: Store) -> None:
    accounts = Accounts(store)
    outcomes: list[str] = []

    async def register(number: int) -> None:
        try:
            await accounts.add(Account(f"u{number}", "a@b.example", "Ann", "hash"))
            outcomes.append("added")
        except PlatformError as error:
            outcomes.append(error.code)

    async with anyio.create_task_group() as group:
        for number in range(5):
            group.start_soon(register, number)
    assert sorted(outcomes) == ["added"] + ["email_taken"] * 4
    found = await accounts.by_email("a@b.example")
    assert found is not None
    assert await accounts.by_id(found.id) == found
    assert await accounts.by_id("nobody") is None


async def test_a_workspace_is_made_once_and_differs_between_users(store: Store) -> None:
    accounts = Accounts(store)
    await accounts.add(Account("u1", "a@b.example", "marigold", "hash"))
    billing = Billing(store, accounts)
    results: list[Any] = []

    async def look() -> None:
        results.append(await billing.items_of("u1"))

    async with anyio.create_task_group() as group:
        for _ in range(4):
            group.start_soon(look)
    assert results == [workspace_lines("u1", "marigold")] * 4
    assert len({item.amount_cents for item in results[0]}) == len(results[0])
    assert workspace_lines("u2", "marigold") != results[0]


async def test_a_refresh_token_is_used_once_even_when_shown_twice_at_once(store: Store) -> None:
    sessions = Sessions(store)
    await sessions.begin(RefreshToken("first", "family", 9.0))
    outcomes: list[Redemption] = []

    async def rotate(successor: str) -> None:
        outcomes.append(await sessions.rotate("first", RefreshToken(successor, "family", 9.0), 2.0))

    async with anyio.create_task_group() as group:
        group.start_soon(rotate, "second")
        group.start_soon(rotate, "other")
    assert sorted(outcome.value for outcome in outcomes) == ["reused", "rotated"]
    for jti in ("second", "other", "unknown"):
        outcome = await sessions.rotate(jti, RefreshToken(f"{jti}+", "family", 9.0), 3.0)
        assert outcome is Redemption.REFUSED


async def test_presence_comes_and_goes(store: Store) -> None:
    presence = Presence(store)
    await presence.connected("c1", "a", "1", 1.0)
    await presence.connected("c2", "a", "2", 2.0)
    assert await presence.connections_of("a") == ["c1", "c2"]
    await presence.disconnected("c1")
    await presence.disconnected("c1")
    assert await presence.connections_of("a") == ["c2"]


async def test_writers_take_turns_however_many_there_are(settings: StoreSettings) -> None:
    """SQLite's own waiting is no queue: of many writers one asks in vain again and again."""
    writers, writes, held_s = 16, 6, 0.01
    waits_for_all_others_s = writers * held_s
    short = settings.model_copy(update={"busy_timeout_s": 3 * waits_for_all_others_s})
    store = Store(short.model_copy(update={"pool_size": writers}))
    holding = threading.Event()

    def work(_: Connection) -> None:
        holding.wait(held_s)

    async def write() -> None:
        for _ in range(writes):
            await store.write(work)

    try:
        await asyncio.gather(*(write() for _ in range(writers)))
    finally:
        await store.close()


async def test_a_process_that_runs_late_is_no_locked_store(settings: StoreSettings) -> None:
    """However long an event loop stands still, nobody holds the store's lock meanwhile."""
    store = Store(settings.model_copy(update={"busy_timeout_s": 0.05}))
    begun, never = threading.Event(), threading.Event()

    def work(_: Connection) -> None:
        begun.set()

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(4):
                group.create_task(store.write(work))
            await asyncio.sleep(0)
            assert begun.wait(5.0)
            never.wait(0.3)
    finally:
        await store.close()
