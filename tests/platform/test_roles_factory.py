"""Every component of the factory suite's seams does its job by itself, as reported or remediated.

Each factory is called with the arguments that it was written for: that is how its authors tried it.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import anyio
import pytest

from gp_helpers.platform.contract import Mode
from gp_helpers.platform.defects.factory import EngineConfiguration, ProductNotMade, SetterBridge
from gp_helpers.platform.errors import StoreUnavailable
from gp_helpers.platform.factories.agents import RunnerAgents
from gp_helpers.platform.factories.assembly import ModeFactories, Scope
from gp_helpers.platform.factories.connections import Line, Lines
from gp_helpers.platform.factories.contract import Role, UserContext
from gp_helpers.platform.factories.doubles import (
    ExampleAgents,
    ExampleConnection,
    ExampleLedger,
    ExampleManager,
    example_context,
    example_event,
    example_parts,
    example_request,
)
from gp_helpers.platform.factories.executions import DirectEngines, WorkerEngines
from gp_helpers.platform.factories.failures import OneContract
from gp_helpers.platform.factories.parts import FactoryParts
from gp_helpers.platform.factories.sessions import UserSession
from gp_helpers.platform.wiring import Wiring

pytestmark = pytest.mark.anyio


def components_at(*seams: str) -> Any:
    """The remediated and the as-reported component of each seam."""
    found = []
    for seam in seams:
        remediated = Wiring().component(seam)
        as_reported = Wiring.all_defects().component(seam)
        assert remediated is not as_reported, f"no defect stands at {seam}"
        found.append(pytest.param(remediated, id=f"{seam}-remediated"))
        found.append(pytest.param(as_reported, id=f"{seam}-as_reported"))
    return pytest.mark.parametrize("component", found)


async def create(factory: Any, **known: Any) -> Any:
    """Call a factory with its own names for what it needs."""
    other_names = {
        "manager": "websocket_manager",
        "user_context": "context",
        "configuration": "configuration",
    }
    known["configuration"] = EngineConfiguration()
    wanted = inspect.signature(factory.create).parameters
    return await factory.create(**{name: known[other_names.get(name, name)] for name in wanted})


@pytest.fixture
async def ledger() -> ExampleLedger:
    return ExampleLedger()


@pytest.fixture
async def parts(ledger: ExampleLedger) -> AsyncIterator[FactoryParts]:
    async with example_parts(ledger) as found:
        yield found


def on_device(context: UserContext, device: str) -> UserContext:
    return replace(context, device=device)


@components_at("factory_connection_factory", "isolated_connection_factory")
class TestConnectionFactory:
    async def test_what_is_emitted_reaches_the_sessions_user(
        self, component: Any, parts: FactoryParts
    ) -> None:
        context, manager = example_context(), ExampleManager()
        line = await create(
            component(parts, OneContract()), context=context, websocket_manager=manager
        )
        await line.emit(context.user_id, example_event(context))
        assert manager.delivered == [(context.session_id, example_event(context))]

    async def test_a_session_is_on_record_until_its_connection_is_closed(
        self, component: Any, parts: FactoryParts, ledger: ExampleLedger
    ) -> None:
        context = example_context()
        line = await create(
            component(parts, OneContract()), context=context, websocket_manager=ExampleManager()
        )
        assert list(ledger.sessions) == [context.session_id]
        await line.close()
        assert ledger.sessions == {}

    async def test_two_devices_have_a_connection_each(
        self, component: Any, parts: FactoryParts
    ) -> None:
        factory = component(parts, OneContract())
        contexts = [
            on_device(example_context("ada"), "phone"),
            on_device(example_context("ben"), "tablet"),
        ]
        lines = [
            await create(factory, context=context, websocket_manager=ExampleManager())
            for context in contexts
        ]
        assert [line.context for line in lines] == contexts


@components_at("isolated_execution_factory")
class TestExecutionFactory:
    async def make(self, component: Any, parts: FactoryParts, agents: ExampleAgents) -> Any:
        context = example_context()
        await parts.ledger.open_session(context.session_id, context.user_id, Mode.ISOLATED, 0.0)
        return await create(
            component(parts, OneContract()),
            context=context,
            connection=ExampleConnection(context),
            agent_factory=agents,
        )

    async def test_an_agent_of_the_given_factory_answers(
        self, component: Any, parts: FactoryParts
    ) -> None:
        agents = ExampleAgents()
        engine = await self.make(component, parts, agents)
        await engine.execute(example_request())
        assert agents.answered == [example_request()]

    async def test_an_engine_is_on_record_until_it_is_closed(
        self, component: Any, parts: FactoryParts, ledger: ExampleLedger
    ) -> None:
        engine = await self.make(component, parts, ExampleAgents())
        assert [len(parts_of) for parts_of in ledger.sessions.values()] == [1]
        assert parts.living.count(Role.EXECUTION) == 1
        await engine.close()
        assert [len(parts_of) for parts_of in ledger.sessions.values()] == [0]
        assert parts.living.count(Role.EXECUTION) == 0


@components_at("factory_assembly")
class TestSessionAssembly:
    async def assemble(self, component: Any, parts: FactoryParts) -> UserSession:
        factories = ModeFactories(Lines(), RunnerAgents(parts), DirectEngines(parts), Scope.SESSION)
        session: UserSession = await component(factories, ExampleManager()).assemble(
            example_context()
        )
        return session

    async def test_a_session_has_a_connection_and_an_engine_of_its_context(
        self, component: Any, parts: FactoryParts
    ) -> None:
        session = await self.assemble(component, parts)
        assert session.context == example_context()
        assert session.connection.context == example_context()
        assert [type(part).__name__ for part in session.parts()] == ["Line", "DirectEngine"]

    async def test_a_request_is_worked_on_to_its_end(
        self, component: Any, parts: FactoryParts
    ) -> None:
        session = await self.assemble(component, parts)
        await (await session.work_on(example_request())).run()
        assert session.completed == 1


async def test_a_bridge_hands_on_what_is_sent_through_it_and_closes_its_connection() -> None:
    context, manager = example_context(), ExampleManager()
    bridge = SetterBridge(context)
    bridge.set_connection(Line(context, manager))
    await bridge.sender().emit(context.user_id, example_event(context))
    assert manager.delivered == [(context.session_id, example_event(context))]
    await bridge.close()


class Part:
    """Something to be closed."""

    def __init__(self, closed: list[str], name: str, error: Exception | None = None) -> None:
        self.context = example_context()
        self._closed, self._name, self._error = closed, name, error

    async def close(self) -> None:
        self._closed.append(self._name)
        if self._error is not None:
            raise self._error


def session_of(closed: list[str], error: Exception | None = None) -> UserSession:
    connection: Any = Part(closed, "connection")
    engine: Any = Part(closed, "engine", error)
    nobody: Any = None
    return UserSession(example_context(), connection, nobody, nobody, engine)


@components_at("session_closing")
class TestSessionClosing:
    async def test_every_part_is_closed_once(self, component: Any) -> None:
        closed: list[str] = []
        await component().close(session_of(closed))
        assert sorted(closed) == ["connection", "engine"]

    async def test_what_goes_wrong_is_logged_and_not_raised(
        self, component: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        await component().close(session_of([], RuntimeError("no")))
        assert "not closed" in caplog.text


class Closing:
    """Notes which sessions were closed."""

    def __init__(self) -> None:
        self.closed: list[UserSession] = []

    async def close(self, session: UserSession) -> None:
        self.closed.append(session)


@components_at("session_keeping")
class TestSessionKeeping:
    async def test_a_session_whose_user_leaves_after_the_answer_is_closed_once(
        self, component: Any
    ) -> None:
        closing, session = Closing(), session_of([])
        keeping = component(closing)
        session.running = 1
        session.running = 0
        await keeping.finished(session)
        assert closing.closed == []
        session.is_over = True
        await keeping.left(session)
        assert closing.closed == [session]

    async def test_a_busy_session_can_finish_its_answer(self, component: Any) -> None:
        closing, session = Closing(), session_of([])
        session.running, session.is_over = 1, True
        await component(closing).left(session)
        assert closing.closed == []


@components_at(
    "factory_connection_failures",
    "isolated_connection_failures",
    "agent_failures",
    "execution_failures",
)
class TestFailureEdge:
    async def test_a_product_goes_through(self, component: Any) -> None:
        async def work() -> str:
            return "product"

        assert await component().make("thing", work, lambda: "stand-in") == "product"

    async def test_a_failure_is_logged_with_what_was_to_be_made(
        self, component: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def work() -> str:
            raise StoreUnavailable

        with caplog.at_level(logging.WARNING), suppress(StoreUnavailable, ProductNotMade):
            await component().make("thing", work, lambda: "stand-in")
        assert "thing could not be made" in caplog.text

    async def test_being_cancelled_is_no_failure(
        self, component: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        with anyio.CancelScope() as scope:
            scope.cancel()
            await component().make("thing", anyio.sleep_forever, lambda: None)
        assert scope.cancelled_caught
        assert "could not be made" not in caplog.text


async def test_a_worker_engine_works_on_one_request_after_the_other_in_a_task_of_its_own(
    parts: FactoryParts, ledger: ExampleLedger
) -> None:
    context = example_context()
    ledger.sessions[context.session_id] = set()
    agents = ExampleAgents()
    engine = await WorkerEngines(parts, OneContract()).create(
        context=context, connection=ExampleConnection(context), agent_factory=agents
    )
    requests = [replace(example_request(), id=f"req_{number}") for number in range(5)]
    async with anyio.create_task_group() as group:
        for request in requests:
            group.start_soon(engine.execute, request)
    assert agents.answered == requests
    assert parts.supervisor.live() == {"execution_engine": 1}
    await engine.close()
    assert parts.living.count(Role.EXECUTION) == 0
    assert ledger.sessions == {context.session_id: set()}
