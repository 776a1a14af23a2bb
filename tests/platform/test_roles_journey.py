"""Every component of the journey's seams does its job by itself, as reported or remediated."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from typing import Any

import anyio
import pytest

from gp_helpers.platform.agents.model_client import ChatMessage, Completion, ToolCall
from gp_helpers.platform.agents.observation import Digest, StepTimes, Volume
from gp_helpers.platform.agents.roles import RunKey
from gp_helpers.platform.clock import Clock
from gp_helpers.platform.contract import AgentRequest, Event, EventType
from gp_helpers.platform.defects.catalogue import defects_of
from gp_helpers.platform.errors import ModelUnavailable, StoreUnavailable
from gp_helpers.platform.seams import EventSink, Identity
from gp_helpers.platform.settings import StoreSettings
from gp_helpers.platform.store import Runs, Store
from gp_helpers.platform.wiring import Wiring

pytestmark = pytest.mark.anyio

ADA = Identity("usr_ada", "ada@example.com", (), 9e9)
BEN = Identity("usr_ben", "ben@example.com", (), 9e9)


def components_at(seam: str) -> Any:
    """The remediated and the as-reported component of a seam."""
    remediated = Wiring().component(seam)
    as_reported = Wiring.all_defects().component(seam)
    assert remediated is not as_reported, f"no defect stands at {seam}"
    return pytest.mark.parametrize("component", [remediated, as_reported])


class Sink:
    def __init__(self) -> None:
        self.events: list[Event] = []

    async def emit(self, _user_id: str, event: Event) -> None:
        self.events.append(event)


def event(identity: Identity, request_id: str, told: str = "…") -> Event:
    return Event(
        EventType.AGENT_COMPLETED, request_id, "t", identity.user_id, "a", 1.0, {"result": told}
    )


def test_every_defect_of_the_suite_stands_at_a_seam_of_its_own() -> None:
    cases = ("login_to_answer", "multi_user_isolation", "error_recovery", "performance_under_load")
    assert [len(defects_of(f"journey.{case}")) for case in cases] == [1, 1, 2, 1]


@components_at("billing_account")
class TestBillingAccount:
    def test_a_user_has_one_account_and_nobody_elses(self, component: Any) -> None:
        accounts = component()
        renewed = Identity(ADA.user_id, ADA.email, ("chat:read",), 1.0)
        assert accounts.account_of(ADA) == accounts.account_of(renewed)
        assert accounts.account_of(ADA) != accounts.account_of(BEN)

    def test_an_account_fits_its_column(self, component: Any) -> None:
        assert 0 < len(component().account_of(ADA)) <= 64


class Model:
    """Answers with a number of its own each time; can be held and made to fail."""

    def __init__(self) -> None:
        self.asked = 0
        self.failure: Exception | None = None
        self.go_on = anyio.Event()
        self.go_on.set()

    async def complete(
        self, _messages: Sequence[ChatMessage], *, tool_choice: Any, **_more: Any
    ) -> Completion:
        self.asked += 1
        number = self.asked
        await self.go_on.wait()
        if self.failure is not None:
            raise self.failure
        calls = () if tool_choice == "none" else (ToolCall("1", "get_billing", {}),)
        return Completion(f"answer {number}", calls, {"role": "assistant"})


def prompt(text: str) -> list[ChatMessage]:
    return [{"role": "system", "content": "You analyse."}, {"role": "user", "content": text}]


@components_at("completions")
class TestCompletions:
    async def test_the_models_answer_is_passed_on(self, component: Any) -> None:
        completions = component(Model())
        found = await completions.complete(prompt("why?"), tools=[], tool_choice="none")
        assert found.text == "answer 1"

    async def test_another_question_is_asked_anew(self, component: Any) -> None:
        completions = component(Model())
        for number, text in enumerate(("why?", "how?"), start=1):
            found = await completions.complete(prompt(text), tools=[], tool_choice="none")
            assert found.text == f"answer {number}"

    async def test_a_wish_to_call_a_tool_is_asked_for_each_time(self, component: Any) -> None:
        model = Model()
        completions = component(model)
        for _ in range(2):
            found = await completions.complete(prompt("why?"), tools=[{}], tool_choice={"x": 1})
            assert found.tool_calls
        assert model.asked == 2

    async def test_a_failure_is_not_kept(self, component: Any) -> None:
        model = Model()
        completions = component(model)
        model.failure = ModelUnavailable()
        with pytest.raises(ModelUnavailable):
            await completions.complete(prompt("why?"), tools=[], tool_choice="none")
        model.failure = None
        found = await completions.complete(prompt("why?"), tools=[], tool_choice="none")
        assert found.text == "answer 2"

    async def test_who_asks_is_answered_when_another_gives_up_waiting(self, component: Any) -> None:
        model = Model()
        model.go_on = anyio.Event()
        completions = component(model)
        with anyio.move_on_after(0.01):
            await completions.complete(prompt("why?"), tools=[], tool_choice="none")
        model.go_on.set()
        found = await completions.complete(prompt("why?"), tools=[], tool_choice="none")
        assert found.text == "answer 2"


class Worker:
    def __init__(self) -> None:
        self.begun = 0
        self.has_begun = anyio.Event()
        self.go_on = anyio.Event()
        self.failure: Exception | None = None

    async def run(self, identity: Identity, request: AgentRequest, sink: EventSink) -> None:
        self.begun += 1
        self.has_begun.set()
        await self.go_on.wait()
        if self.failure is not None:
            raise self.failure
        await sink.emit(identity.user_id, event(identity, request.id))


@pytest.fixture
async def runs(store_settings: StoreSettings) -> AsyncIterator[Runs]:
    store = Store(store_settings)
    yield Runs(store)
    await store.close()


@components_at("run_repetition")
class TestRunRepetition:
    async def test_a_request_is_not_worked_on_twice_at_once(
        self, component: Any, runs: Runs
    ) -> None:
        worker, sink = Worker(), Sink()
        runner = component(worker, runs, Clock(), "1")
        async with anyio.create_task_group() as group:
            group.start_soon(runner.run, ADA, AgentRequest("r1", "t", "?"), sink)
            await worker.has_begun.wait()
            await runner.run(ADA, AgentRequest("r1", "t", "?"), sink)
            worker.go_on.set()
        assert worker.begun == 1
        assert len(sink.events) == 1

    async def test_other_requests_and_other_users_are_worked_on(
        self, component: Any, runs: Runs
    ) -> None:
        worker, sink = Worker(), Sink()
        worker.go_on.set()
        runner = component(worker, runs, Clock(), "1")
        for identity, request_id in ((ADA, "r1"), (ADA, "r2"), (BEN, "r1")):
            await runner.run(identity, AgentRequest(request_id, "t", "?"), sink)
        assert worker.begun == 3
        assert len(sink.events) == 3

    async def test_what_failed_may_be_tried_again(self, component: Any, runs: Runs) -> None:
        worker, sink = Worker(), Sink()
        worker.go_on.set()
        worker.failure = RuntimeError("broke")
        runner = component(worker, runs, Clock(), "1")
        with pytest.raises(RuntimeError):
            await runner.run(ADA, AgentRequest("r1", "t", "?"), sink)
        worker.failure = None
        await runner.run(ADA, AgentRequest("r1", "t", "?"), sink)
        assert len(sink.events) == 1


@components_at("run_failures")
class TestRunFailures:
    async def test_a_run_that_works_is_left_alone(self, component: Any) -> None:
        worker, sink = Worker(), Sink()
        worker.go_on.set()
        await component(worker).run(ADA, AgentRequest("r1", "t", "?"), sink)
        assert len(sink.events) == 1

    async def test_a_failure_does_not_go_unnoticed(
        self, component: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        worker, sink = Worker(), Sink()
        worker.go_on.set()
        worker.failure = StoreUnavailable()
        raised = False
        with caplog.at_level(logging.WARNING):
            try:
                await component(worker).run(ADA, AgentRequest("r1", "t", "?"), sink)
            except StoreUnavailable:
                raised = True
        assert raised or "r1" in caplog.text

    async def test_the_end_of_the_service_ends_the_run(self, component: Any) -> None:
        with anyio.move_on_after(0.01) as scope:
            await component(Worker()).run(ADA, AgentRequest("r1", "t", "?"), Sink())
        assert scope.cancelled_caught


@components_at("run_followers")
class TestRunFollowers:
    def test_followers_hear_of_their_own_run_alone(self, component: Any) -> None:
        followers = component()
        volume, times = Volume(RunKey("usr_ada", "r1")), StepTimes(RunKey("usr_ada", "r1"))
        other = Volume(RunKey("usr_ben", "r1"))
        for follower in (volume, times, other):
            followers.follow(follower)
        followers.publish(event(ADA, "r1"))
        followers.publish(event(ADA, "r2"))
        assert volume.characters > 0
        assert times.times == [1.0]
        assert other.characters == 0

    def test_who_has_left_keeps_what_was_noted_and_hears_no_more(self, component: Any) -> None:
        followers = component()
        follower = StepTimes(RunKey("usr_ada", "r1"))
        followers.follow(follower)
        followers.publish(event(ADA, "r1"))
        followers.leave(follower)
        followers.publish(event(ADA, "r1"))
        assert follower.times == [1.0]

    def test_what_is_followed_is_told_unchanged(self, component: Any) -> None:
        followers = component()
        one, other = Digest(RunKey("usr_ada", "r1")), Digest(RunKey("usr_ada", "r1"))
        followers.follow(one)
        followers.follow(other)
        told = event(ADA, "r1")
        followers.publish(told)
        assert one.value == other.value != ""
        assert told == event(ADA, "r1")

    def test_it_says_how_many_follow(self, component: Any) -> None:
        followers = component()
        followers.follow(Volume(RunKey("usr_ada", "r1")))
        followers.publish(event(ADA, "r1"))
        assert followers.state() == {"followers": 1, "notified": 1}
