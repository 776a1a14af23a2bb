"""The contract that factories are held against, the object graph, and the sessions made by them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import anyio
import pytest

from gp_helpers.platform.contract import AgentRequest, Mode
from gp_helpers.platform.errors import StoreUnavailable
from gp_helpers.platform.factories import (
    Check,
    Dependency,
    FactoryNotFound,
    FactoryRegistry,
    Injection,
    Role,
    UnknownFactory,
    UserConnection,
    UserContext,
    WebSocketManager,
    check_alone,
    check_factories,
    graph_of,
    load_factories,
    signature_problems,
)
from gp_helpers.platform.factories.building import build_sessions, registry_conformance
from gp_helpers.platform.factories.connections import Line
from gp_helpers.platform.factories.doubles import (
    ExampleLedger,
    example_context,
    example_event,
    example_parts,
    example_request,
)
from gp_helpers.platform.factories.live import LiveSessions
from gp_helpers.platform.factories.parts import FactoryParts
from gp_helpers.platform.seams import EventSink, Identity
from gp_helpers.platform.wiring import Wiring

pytestmark = pytest.mark.anyio


class Fitting:
    """A user's own connection factory that keeps the contract, with an option of its own."""

    async def create(
        self, *, context: UserContext, websocket_manager: WebSocketManager, quiet: bool = False
    ) -> UserConnection:
        del quiet
        return Line(context, websocket_manager)


class Renamed:
    async def create(self, context: UserContext, manager: WebSocketManager) -> UserConnection:
        return Line(context, manager)


class TakesAnything:
    async def create(self, **known: Any) -> UserConnection:
        return Line(known["context"], known["websocket_manager"])


class Synchronous:
    def create(self, context: UserContext, websocket_manager: WebSocketManager) -> UserConnection:
        return Line(context, websocket_manager)


class Incomplete:
    async def create(self, context: UserContext, websocket_manager: WebSocketManager) -> object:
        return (context, websocket_manager)


class Deaf:
    async def create(
        self, context: UserContext, websocket_manager: WebSocketManager
    ) -> UserConnection:
        del websocket_manager
        return Line(context, _Nowhere())


class _Nowhere:
    async def deliver(self, session_id: str, event: object) -> None:
        del session_id, event

    def detach(self, session_id: str) -> None:
        del session_id


class Positional:
    async def create(self, context: UserContext, websocket_manager: Any, /) -> UserConnection:
        return Line(context, websocket_manager)


@pytest.mark.parametrize(
    ("factory", "problems"),
    [
        (Fitting(), []),
        (TakesAnything(), []),
        (
            Renamed(),
            [
                "create does not take websocket_manager",
                "create requires manager, which the contract does not give",
            ],
        ),
        (Synchronous(), ["create is not a coroutine function"]),
        (object(), ["it has no method create"]),
        (
            Positional(),
            [
                "create does not take context",
                "create does not take websocket_manager",
                "create requires context, which the contract does not give",
                "create requires websocket_manager, which the contract does not give",
            ],
        ),
    ],
)
async def test_a_signature_is_held_against_the_contract(
    factory: object, problems: list[str]
) -> None:
    assert signature_problems(Role.CONNECTION, factory) == problems


@pytest.mark.parametrize(
    ("factory", "problem"),
    [
        (Fitting(), None),
        (TakesAnything(), None),
        (Renamed(), "unexpected keyword argument 'websocket_manager'"),
        (Synchronous(), "TypeError"),
        (Incomplete(), "its product has no method emit, close"),
        (Deaf(), "does not reach its session's user"),
        (object(), "AttributeError"),
    ],
)
async def test_a_product_is_made_as_the_contract_says_and_used(
    factory: object, problem: str | None
) -> None:
    rows = await check_factories([(Role.CONNECTION, "mine", factory)])
    [assembly] = [row for row in rows if row.check is Check.ASSEMBLY]
    if problem is None:
        assert [row.problem for row in rows] == [None, None]
    else:
        assert assembly.problem is not None
        assert problem in assembly.problem
    assert {row.factory for row in rows} == {"mine"}


async def test_a_factory_that_does_not_fit_may_be_healthy_alone() -> None:
    [row] = await check_alone([(Role.CONNECTION, "mine", Renamed())])
    assert row.to_json() == {
        "factory": "mine",
        "role": "connection",
        "check": "alone",
        "problem": None,
    }


@pytest.mark.parametrize(
    ("defects", "misfits"),
    [
        ((), set()),
        (("factory.renamed_argument",), {"recorded"}),
        (("factory.extra_argument",), {"isolated"}),
        (
            ("factory.device_cache", "factory.late_bridge", "factory.agent_failure_hidden"),
            set(),
        ),
    ],
)
async def test_only_factories_with_other_signatures_miss_the_contract_and_all_work_alone(
    defects: tuple[str, ...], misfits: set[str]
) -> None:
    rows = await registry_conformance(Wiring(defects).component)
    assert [row for row in rows if row.check is Check.ALONE and row.problem] == []
    assert {row.factory for row in rows if row.problem} == misfits
    assert {(row.role, row.check) for row in rows} == {
        (role, check) for role in Role for check in Check
    }


async def test_factories_of_ones_own_are_loaded_by_role_and_held_against_the_contract() -> None:
    here = "gp_helpers.platform.factories.connections"
    [named] = load_factories({"connection.mine": f"{here}:Lines"})
    assert named[:2] == (Role.CONNECTION, "mine")
    assert {row.problem for row in await check_factories([named])} == {None}


@pytest.mark.parametrize(
    ("key", "stated", "why"),
    [
        ("conection", "a.b:C", "the key has to begin with one of connection, agent, execution"),
        ("agent", "a.b.C", "not of the form package.module:attribute"),
        ("agent.x", "no_such_package:C", "ModuleNotFoundError"),
        ("agent", "gp_helpers.platform.factories:Nothing", "AttributeError"),
        ("execution", "gp_helpers.platform.factories.executions:DirectEngine", "TypeError"),
    ],
)
async def test_a_factory_that_cannot_be_had_is_named_with_the_reason(
    key: str, stated: str, why: str
) -> None:
    with pytest.raises(FactoryNotFound) as error:
        load_factories({key: stated})
    assert f"factories.{key}" in str(error.value)
    assert why in str(error.value)


async def test_a_registry_gives_factories_by_role_and_name() -> None:
    registry, factory = FactoryRegistry(), Fitting()
    registry.register(Role.CONNECTION, "mine", factory)
    assert registry.factory(Role.CONNECTION, "mine") is factory
    assert list(registry) == [(Role.CONNECTION, "mine", factory)]
    with pytest.raises(ValueError, match="already"):
        registry.register(Role.CONNECTION, "mine", factory)
    with pytest.raises(UnknownFactory, match="no agent factory called 'mine'"):
        registry.factory(Role.AGENT, "mine")


@dataclass(eq=False)
class Thing:
    needs: dict[str, Thing | None] = field(default_factory=dict)

    def dependencies(self) -> Sequence[Dependency]:
        return [Dependency(name, value, Injection.SETTER) for name, value in self.needs.items()]


async def test_the_graph_names_what_is_missing_and_who_goes_round() -> None:
    bridge, agent, leaf = Thing(), Thing(), object()
    bridge.needs = {"agent": agent, "manager": None}
    agent.needs = {"bridge": bridge}
    graph = graph_of({"bridge": bridge, "leaf": leaf}).to_json()
    assert [node["id"] for node in graph["nodes"]] == ["bridge", "leaf", "agent"]
    assert graph["edges"] == [
        {"from": "bridge", "name": "agent", "to": "agent", "injected": "setter"},
        {"from": "bridge", "name": "manager", "to": None, "injected": "setter"},
        {"from": "agent", "name": "bridge", "to": "bridge", "injected": "setter"},
    ]
    assert graph["unresolved"] == [graph["edges"][1]]
    assert graph["cycles"] == [["bridge", "agent"]]


async def test_a_graph_that_shares_an_object_has_no_cycle() -> None:
    shared, left, right = Thing(), Thing(), Thing()
    left.needs, right.needs = {"shared": shared}, {"shared": shared}
    graph = graph_of({"top": Thing({"left": left, "right": right})})
    assert graph.cycles == ()
    assert len(graph.nodes) == 4


class Sink:
    """Keeps what is emitted, and to whom."""

    def __init__(self) -> None:
        self.emitted: list[str] = []

    async def emit(self, user_id: str, event: object) -> None:
        del event
        self.emitted.append(user_id)


class HeldRunner:
    """Emits one event as soon as it may."""

    def __init__(self) -> None:
        self.began = anyio.Event()
        self.may_end = anyio.Event()

    async def run(self, identity: Identity, request: AgentRequest, sink: EventSink) -> None:
        del request
        self.began.set()
        await self.may_end.wait()
        await sink.emit(identity.user_id, example_event(example_context()))


def sessions_of(parts: FactoryParts, *defects: str) -> LiveSessions:
    return build_sessions(Wiring(defects).component, parts)


NOTHING = {"sessions": 0, "channels": 0, "engines": 0, "agents": 0}


@pytest.mark.parametrize("mode", Mode)
async def test_a_session_answers_its_user_and_leaves_nothing_behind(mode: Mode) -> None:
    ledger = ExampleLedger()
    async with example_parts(ledger) as parts:
        sessions, sink = sessions_of(parts), Sink()
        context = replace(example_context(), mode=mode)
        await sessions.open(context, sink)
        await sessions.run(await sessions.begin(context.session_id, example_request()))
        assert sink.emitted == [context.user_id]
        [described] = (await sessions.describe())["sessions"]
        assert (described["completed"], described["delivered"]) == (1, 1)
        assert described["graph"]["unresolved"] == described["graph"]["cycles"] == []
        await sessions.leave(context.session_id)
        assert sessions.state() == NOTHING
        assert ledger.sessions == {}
        await anyio.wait_all_tasks_blocked()
        assert parts.supervisor.live() == {}


@pytest.mark.parametrize("mode", Mode)
async def test_a_session_outlives_its_connection_until_its_request_is_done(mode: Mode) -> None:
    runner, ledger = HeldRunner(), ExampleLedger()
    async with example_parts(ledger) as made:
        parts = replace(made, runner=runner)
        sessions, sink = sessions_of(parts), Sink()
        context = replace(example_context(), mode=mode)
        await sessions.open(context, sink)
        work = await sessions.begin(context.session_id, example_request())
        async with anyio.create_task_group() as group:
            group.start_soon(sessions.run, work)
            await runner.began.wait()
            await sessions.leave(context.session_id)
            assert sessions.state()["engines"] == 1
            runner.may_end.set()
        assert sink.emitted == [context.user_id]
        assert sessions.state() == NOTHING
        assert ledger.sessions == {}


async def test_a_session_that_cannot_be_made_leaves_nothing() -> None:
    ledger = ExampleLedger(is_locked=True)
    async with example_parts(ledger) as parts:
        sessions = sessions_of(parts)
        with pytest.raises(StoreUnavailable):
            await sessions.open(example_context(), Sink())
        assert sessions.state() == NOTHING
        await sessions.leave(example_context().session_id)


async def test_a_request_that_cannot_be_begun_does_not_keep_its_session() -> None:
    ledger = ExampleLedger()
    async with example_parts(ledger) as parts:
        sessions = sessions_of(parts)
        context = replace(example_context(), mode=Mode.ISOLATED)
        await sessions.open(context, Sink())
        ledger.is_locked = True
        with pytest.raises(StoreUnavailable):
            await sessions.begin(context.session_id, example_request())
        ledger.is_locked = False
        await sessions.leave(context.session_id)
        assert sessions.state() == NOTHING


async def test_what_cannot_be_removed_from_the_ledger_keeps_nothing_alive() -> None:
    ledger = ExampleLedger()
    async with example_parts(ledger) as parts:
        sessions = sessions_of(parts)
        await sessions.open(example_context(), Sink())
        ledger.is_locked = True
        await sessions.leave(example_context().session_id)
        assert sessions.state() == NOTHING


async def test_a_session_whose_engine_cannot_be_made_gives_its_connection_back() -> None:
    ledger = ExampleLedger()

    async def refuse(*_: object) -> None:
        raise StoreUnavailable

    ledger.add_part = refuse  # type: ignore[method-assign]
    async with example_parts(ledger) as parts:
        sessions = sessions_of(parts)
        with pytest.raises(StoreUnavailable):
            await sessions.open(example_context(), Sink())
        assert sessions.state() == NOTHING
        assert ledger.sessions == {}


def test_the_wire_advertises_the_modes_and_diagnostics_describe_them(start_platform: Any) -> None:
    platform = start_platform()
    config = platform.client.get(f"{platform.backend}/ws/config").json()
    assert config["modes"] == ["main", "factory", "isolated"]
    url = f"{platform.backend}/internal/factories"
    assert platform.client.get(url).status_code == 403
    report = platform.client.get(url, headers={"X-Golden-Path-Secret": "diagnostics"}).json()
    assert report["modes"] == config["modes"]
    assert report["sessions"] == []
    assert {row["problem"] for row in report["conformance"]} == {None}
    assert platform.state(platform.backend)["factories"] == NOTHING
