"""Every component of the routing seams does its job by itself, as reported or remediated."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import anyio
import pytest

from gp_helpers.platform.backend.supervision import Supervisor
from gp_helpers.platform.contract import AgentRequest, Priority
from gp_helpers.platform.gateway.messages import Request
from gp_helpers.platform.routing.desks import Desks
from gp_helpers.platform.routing.handoff import EachAgentOnce
from gp_helpers.platform.routing.queue import WorkQueue
from gp_helpers.platform.routing.roles import Errand
from gp_helpers.platform.routing.router import Router
from gp_helpers.platform.seams import Identity
from gp_helpers.platform.store import Presence, Store
from gp_helpers.platform.wiring import Wiring

pytestmark = pytest.mark.anyio

ADA = Identity("usr_ada", "ada@b.example", (), 9e9)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def components_at(seam: str) -> Any:
    """The remediated and the as-reported component of a seam."""
    wirings = {"remediated": Wiring(), "as_reported": Wiring.all_defects()}
    found = [pytest.param(wiring.component(seam), id=name) for name, wiring in wirings.items()]
    assert found[0].values != found[1].values, f"no defect stands at {seam}"
    return pytest.mark.parametrize("component", found)


def request(message: str = "Hello", **more: Any) -> AgentRequest:
    return AgentRequest(**{"id": "r", "thread_id": "t", "message": message, **more})


def connection(preferences: dict[str, str] | None = None) -> Any:
    """As much of a connection as routing looks at."""
    return SimpleNamespace(identity=ADA, preferences=preferences or {})


@components_at("agent_router")
class TestAgentRouter:
    def test_a_question_about_costs_goes_to_analysis(self, component: Any) -> None:
        assert component(Router()).decide(request("Why are my costs so high?")) == "analysis"

    def test_a_wish_for_a_plan_goes_to_planning(self, component: Any) -> None:
        assert component(Router()).decide(request("Plan my next steps")) == "planning"

    def test_a_greeting_goes_to_triage(self, component: Any) -> None:
        assert component(Router()).decide(request("Hello")) == "triage"

    def test_every_router_that_has_a_say_can_be_asked(self, component: Any) -> None:
        routers = component(Router()).routers
        assert routers
        assert {one.decide(request("Why?")) for one in routers.values()} == {"analysis"}


@components_at("priority_scale")
class TestPriorityScale:
    @pytest.mark.parametrize("priority", Priority)
    def test_reads_the_words_of_the_contract(self, component: Any, priority: Priority) -> None:
        assert component().read(str(priority)) is priority

    def test_gives_each_priority_a_number_of_its_own_in_order(self, component: Any) -> None:
        scale = component()
        numbers = [scale.number(one) for one in (Priority.HIGH, Priority.NORMAL, Priority.LOW)]
        assert numbers in (sorted(set(numbers)), sorted(set(numbers), reverse=True))
        assert len(set(numbers)) == 3


class TestQueue:
    async def test_serves_smaller_numbers_first_and_equal_ones_in_order(self) -> None:
        supervisor, served, first_may_end = Supervisor(), [], anyio.Event()
        queue = WorkQueue(supervisor, instance_id="1", workers=1, capacity=10)

        def work(name: str) -> Callable[[], Any]:
            async def serve() -> None:
                served.append(name)
                if name == "first":
                    await first_may_end.wait()

            return serve

        requests = {name: request(id=name) for name in ("first", "b", "c", "urgent", "d", "late")}
        numbers = {"first": 5, "b": 5, "c": 5, "urgent": 1, "d": 5, "late": 9}
        async with supervisor.running():
            for name, asked in requests.items():
                queue.put(numbers[name], "u", asked, work(name))
            assert queue.waiting == 5
            assert [one["request_id"] for one in queue.state()] == ["urgent", "b", "c", "d", "late"]
            first_may_end.set()
            with anyio.fail_after(2):
                while len(served) < len(requests):
                    await anyio.lowlevel.checkpoint()
        assert served == ["first", "urgent", "b", "c", "d", "late"]
        tickets = {name: asked.ticket for name, asked in requests.items()}
        assert [tickets[name].queued for name in requests] == [1, 3, 4, 5, 6, 7]
        assert tickets["first"].started == 2
        assert [tickets[name].started for name in served[1:]] == [8, 9, 10, 11, 12]


@components_at("routing_context")
class TestRoutingContext:
    def test_gives_what_a_request_says(self, component: Any) -> None:
        context = component()
        assert context.preferences_for(connection(), {"style": "plain"}) == {"style": "plain"}

    def test_remembers_what_was_said_before(self, component: Any) -> None:
        context, same = component(), connection()
        context.preferences_for(same, {"style": "technical"})
        context.preferences_for(same, {"units": "EUR"})
        assert context.preferences_for(same, {}) == {"style": "technical", "units": "EUR"}


@components_at("handler_binding")
async def test_a_handler_hands_a_request_on_with_its_connection(component: Any) -> None:
    taken: list[tuple[Any, Any]] = []

    async def accept(by: Any, what: Any) -> None:
        taken.append((by, what))

    own, asked = connection(), Request(request())
    await component().bind(own, accept)(asked)
    assert taken == [(own, asked)]


@components_at("request_identity")
class TestRequestIdentity:
    def test_a_message_that_names_nobody_is_its_connections_users(self, component: Any) -> None:
        assert component().of(ADA, None) == ADA

    def test_a_message_may_name_its_own_user(self, component: Any) -> None:
        assert component().of(ADA, ADA.user_id) == ADA


@components_at("handoff_rules")
class TestHandoffRules:
    def test_hands_on_to_the_agent_whose_words_occur(self, component: Any) -> None:
        rules = component()
        assert rules.next_after(request("Why?", agent="triage"), ("triage",)) == "analysis"
        assert rules.next_after(request("Plan", agent="analysis"), ("analysis",)) == "planning"

    def test_hands_on_to_nobody_without_words(self, component: Any) -> None:
        assert component().next_after(request("Go on", agent="triage"), ("triage",)) is None

    def test_never_hands_on_to_the_same_agent(self, component: Any) -> None:
        asked = request("Why?", agent="analysis")
        assert component().next_after(asked, ("analysis",)) is None

    def test_a_request_that_names_no_agent_stays_with_one(self, component: Any) -> None:
        assert component().next_after(request("Why? Plan!"), ("analysis",)) is None


@components_at("handoff")
class TestDelegation:
    async def test_each_agent_has_its_turn_at_its_desk(self, component: Any) -> None:
        desks, turns = Desks(), []
        asked = request("Why? And what is the plan?", agent="triage")

        async def take_turn(agent: str) -> None:
            turns.append(agent)
            held = {one["lock"] for one in desks.state()["holders"]}
            assert f"{agent}/t" in held
            [followed] = desks.paths()
            assert followed == {"request_id": "r", "path": turns}

        await component(desks, EachAgentOnce(), 4).work("triage", Errand(asked, take_turn))
        assert turns == ["triage", "analysis", "planning"]
        assert desks.state() == {"holders": [], "waiters": []}
        assert desks.paths() == []

    async def test_two_requests_of_a_conversation_have_a_desk_in_turn(self, component: Any) -> None:
        desks, at_once, most = Desks(), 0, 0

        async def take_turn(_agent: str) -> None:
            nonlocal at_once, most
            at_once += 1
            most = max(most, at_once)
            await anyio.lowlevel.checkpoint()
            at_once -= 1

        delegation = component(desks, EachAgentOnce(), 4)
        async with anyio.create_task_group() as group:
            for name in ("one", "two"):
                errand = Errand(request("Go on", id=name, agent="triage"), take_turn)
                group.start_soon(delegation.work, "triage", errand)
        assert most == 1

    async def test_a_turn_that_fails_leaves_no_lock(self, component: Any) -> None:
        desks = Desks()

        async def take_turn(agent: str) -> None:
            if agent == "analysis":
                raise ValueError("broken")

        asked = request("Why?", agent="triage")
        with pytest.raises(ValueError, match="broken"):
            await component(desks, EachAgentOnce(), 4).work("triage", Errand(asked, take_turn))
        assert desks.state() == {"holders": [], "waiters": []}


@components_at("connection_placement")
def test_a_placement_of_connections_is_one_that_the_ingress_knows(component: Any) -> None:
    assert component().policy in {"round_robin", "least_loaded"}


class Others:
    """The other instances, and how much waits there."""

    instance_id = "backend-1"

    def __init__(self, **waiting: int) -> None:
        self._waiting = {name.replace("_", "-"): number for name, number in waiting.items()}

    async def addresses(self) -> dict[str, str]:
        return dict.fromkeys(self._waiting, "http://127.0.0.1:1")

    async def loads(self) -> dict[str, int]:
        return self._waiting


@components_at("work_placement")
class TestWorkPlacement:
    async def test_the_only_instance_works_itself(self, component: Any) -> None:
        placement = component(Others(), SimpleNamespace(waiting=0), 4)
        assert await placement.instance_for(request()) == "backend-1"

    async def test_chooses_an_instance_that_there_is(self, component: Any) -> None:
        placement = component(Others(backend_2=0), SimpleNamespace(waiting=9), 4)
        chosen = {
            await placement.instance_for(request(thread_id=f"thr_{number:016x}"))
            for number in range(50)
        }
        assert chosen <= {"backend-1", "backend-2"}

    async def test_one_thread_stays_where_it_is(self, component: Any) -> None:
        placement = component(Others(backend_2=0), SimpleNamespace(waiting=9), 4)
        assert len({await placement.instance_for(request()) for _ in range(10)}) == 1


@components_at("session_directory")
class TestSessionDirectory:
    async def test_a_user_who_is_here_is_nowhere_else(
        self, component: Any, store_settings: Any
    ) -> None:
        store = Store(store_settings)
        try:
            directory = component(Presence(store), "backend-1")
            assert await directory.elsewhere("ada") == ()
            await directory.came("con_1", "ada", 1.0)
            assert await directory.elsewhere("ada") == ()
            await directory.left("con_1")
            await directory.left("con_1")
            assert await directory.elsewhere("ada") == ()
        finally:
            await store.close()
