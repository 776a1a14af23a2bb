"""Which requests are worked on or done: claims in the store, and the runner that keeps to them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
import pytest

from gp_helpers.faults import held_write_lock
from gp_helpers.platform.agents.repetition import LEASE_S, StoredOnce
from gp_helpers.platform.clock import Clock
from gp_helpers.platform.contract import AgentRequest, Event, EventType
from gp_helpers.platform.errors import StoreUnavailable
from gp_helpers.platform.seams import EventSink, Identity
from gp_helpers.platform.settings import StoreSettings
from gp_helpers.platform.store import Claim, Runs, Store

pytestmark = pytest.mark.anyio

ADA = Identity("usr_ada", "ada@example.com", (), 9e9)


class Sink:
    def __init__(self) -> None:
        self.events: list[Event] = []

    async def emit(self, _user_id: str, event: Event) -> None:
        self.events.append(event)


class Worker:
    """A runner that can be held, and that can be made to fail."""

    def __init__(self) -> None:
        self.begun = 0
        self.has_begun = anyio.Event()
        self.go_on = anyio.Event()
        self.go_on.set()
        self.failure: Exception | None = None

    async def run(self, identity: Identity, request: AgentRequest, sink: EventSink) -> None:
        self.begun += 1
        self.has_begun.set()
        await self.go_on.wait()
        if self.failure is not None:
            raise self.failure
        event = Event(EventType.AGENT_COMPLETED, request.id, "t", identity.user_id, "a", 1.0, {})
        await sink.emit(identity.user_id, event)


@pytest.fixture
async def runs(store_settings: StoreSettings) -> AsyncIterator[Runs]:
    store = Store(store_settings.model_copy(update={"busy_timeout_s": 0.1}))
    yield Runs(store)
    await store.close()


async def claim(runs: Runs, holder: str, attempt: str, now: float = 0.0) -> Claim:
    return await runs.claim(
        "usr_ada", "r1", holder=holder, attempt=attempt, now=now, lease_s=LEASE_S
    )


async def test_a_claim_is_given_once(runs: Runs) -> None:
    assert await claim(runs, "one", "a") is Claim.TAKEN
    assert await claim(runs, "other", "b") is Claim.RUNNING
    await runs.finish("usr_ada", "r1")
    assert await claim(runs, "other", "c") is Claim.DONE
    assert await claim(runs, "one", "d") is Claim.DONE


async def test_a_released_claim_can_be_had_again(runs: Runs) -> None:
    await claim(runs, "one", "a")
    await runs.release("usr_ada", "r1", attempt="a")
    assert await claim(runs, "other", "b") is Claim.TAKEN


async def test_a_late_release_does_not_take_a_newer_attempt_away(runs: Runs) -> None:
    await claim(runs, "one", "a")
    assert await claim(runs, "one", "b") is Claim.TAKEN
    await runs.release("usr_ada", "r1", attempt="a")
    assert await claim(runs, "other", "c") is Claim.RUNNING


async def test_what_is_done_is_not_released(runs: Runs) -> None:
    await claim(runs, "one", "a")
    await runs.finish("usr_ada", "r1")
    await runs.release("usr_ada", "r1", attempt="a")
    assert await claim(runs, "one", "b") is Claim.DONE


async def test_a_claim_of_the_dead_ends_with_its_lease(runs: Runs) -> None:
    await claim(runs, "one", "a", now=0.0)
    assert await claim(runs, "other", "b", now=LEASE_S - 1) is Claim.RUNNING
    assert await claim(runs, "other", "b", now=LEASE_S + 1) is Claim.TAKEN


async def test_of_many_claims_at_once_one_is_taken(runs: Runs) -> None:
    found: list[Claim] = []

    async def take(number: int) -> None:
        found.append(await claim(runs, f"holder {number}", f"attempt {number}"))

    async with anyio.create_task_group() as group:
        for number in range(20):
            group.start_soon(take, number)
    assert found.count(Claim.TAKEN) == 1
    assert found.count(Claim.RUNNING) == 19


def once(worker: Worker, runs: Runs, instance: str = "1") -> StoredOnce:
    return StoredOnce(worker, runs, Clock(), instance)


REQUEST = AgentRequest("r1", "t", "why?")


async def test_a_repeated_request_is_worked_on_once_on_every_instance(runs: Runs) -> None:
    worker = Worker()
    for instance in (once(worker, runs), once(worker, runs), once(worker, runs, "2")):
        await instance.run(ADA, REQUEST, Sink())
        await instance.run(ADA, REQUEST, Sink())
    assert worker.begun == 1


async def test_a_request_that_is_in_progress_is_not_begun_elsewhere(runs: Runs) -> None:
    worker, sink = Worker(), Sink()
    worker.go_on = anyio.Event()
    here, there = once(worker, runs), once(worker, runs, "2")
    async with anyio.create_task_group() as group:
        group.start_soon(here.run, ADA, REQUEST, sink)
        await worker.has_begun.wait()
        await here.run(ADA, REQUEST, sink)
        await there.run(ADA, REQUEST, sink)
        worker.go_on.set()
    assert worker.begun == 1
    assert len(sink.events) == 1


async def test_a_request_that_failed_may_be_repeated_anywhere(runs: Runs) -> None:
    worker, sink = Worker(), Sink()
    worker.failure = RuntimeError("broke")
    with pytest.raises(RuntimeError):
        await once(worker, runs).run(ADA, REQUEST, sink)
    worker.failure = None
    await once(worker, runs, "2").run(ADA, REQUEST, sink)
    assert worker.begun == 2
    assert len(sink.events) == 1


async def test_a_failure_of_the_store_is_told_at_once_and_recorded_later(runs: Runs) -> None:
    worker, sink = Worker(), Sink()
    here = once(worker, runs)
    worker.failure = StoreUnavailable()
    with pytest.raises(StoreUnavailable):
        await here.run(ADA, REQUEST, sink)
    worker.failure = None
    await here.run(ADA, AgentRequest("r2", "t", "?"), sink)
    await once(worker, runs, "2").run(ADA, REQUEST, sink)
    assert len(sink.events) == 2


async def test_an_answer_whose_end_could_not_be_recorded_is_not_given_twice(
    runs: Runs, store_settings: StoreSettings
) -> None:
    worker, sink = Worker(), Sink()
    worker.go_on = anyio.Event()
    here, over = once(worker, runs), anyio.Event()

    async def run() -> None:
        await here.run(ADA, REQUEST, sink)
        over.set()

    async with anyio.create_task_group() as group:
        group.start_soon(run)
        await worker.has_begun.wait()
        async with held_write_lock(store_settings.url):
            worker.go_on.set()
            await over.wait()
    assert here.unrecorded == 1
    await here.run(ADA, REQUEST, sink)
    assert worker.begun == 1
    assert len(sink.events) == 1
    assert here.unrecorded == 0


async def test_two_users_may_use_the_same_id(runs: Runs) -> None:
    worker = Worker()
    here = once(worker, runs)
    await here.run(ADA, REQUEST, Sink())
    await here.run(Identity("usr_ben", "b@example.com", (), 9e9), REQUEST, Sink())
    assert worker.begun == 2
