"""How each mode of `/ws?mode=…` is put together: its factories by name, and their order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

import anyio

from gp_helpers.platform.contract import Mode
from gp_helpers.platform.factories.agents import RecordedAgents, RunnerAgents
from gp_helpers.platform.factories.connections import Lines
from gp_helpers.platform.factories.contract import (
    AgentFactory,
    ConnectionFactory,
    ExecutionFactory,
    Role,
    UserContext,
    WebSocketManager,
)
from gp_helpers.platform.factories.executions import DirectEngines, WorkerEngines
from gp_helpers.platform.factories.parts import FactoryParts
from gp_helpers.platform.factories.registry import FactoryRegistry
from gp_helpers.platform.factories.sessions import UserSession, close_each

Components = Callable[[str], Any]
"""Gives the component class that stands at a seam."""


class Scope(StrEnum):
    """How long an engine lives."""

    SESSION = "session"
    REQUEST = "request"


@dataclass(frozen=True, slots=True)
class Recipe:
    """The names of a mode's factories in the registry, and the scope of its engines."""

    connection: str
    agent: str
    execution: str
    scope: Scope


RECIPES: Mapping[Mode, Recipe] = {
    Mode.MAIN: Recipe("direct", "direct", "direct", Scope.SESSION),
    Mode.FACTORY: Recipe("recorded", "recorded", "worker", Scope.SESSION),
    Mode.ISOLATED: Recipe("isolated", "recorded", "isolated", Scope.REQUEST),
}
"""The modes that there are. `main` records nothing; `isolated` makes an engine per request."""


@dataclass(frozen=True, slots=True)
class ModeFactories:
    """The factories of one mode."""

    connection: ConnectionFactory
    agent: AgentFactory
    execution: ExecutionFactory
    scope: Scope


class SessionAssembly(Protocol):
    """Puts the objects of a session together."""

    async def assemble(self, context: UserContext) -> UserSession:
        """Raises `PlatformError`; then nothing of the session is left."""
        ...


class ConstructorAssembly:
    """Makes each object after the ones that it depends on, and gives it all by constructor."""

    def __init__(self, factories: ModeFactories, websocket_manager: WebSocketManager) -> None:
        self._factories = factories
        self._websocket_manager = websocket_manager

    async def assemble(self, context: UserContext) -> UserSession:
        factories = self._factories
        connection = await factories.connection.create(
            context=context, websocket_manager=self._websocket_manager
        )
        engine = None
        if factories.scope is Scope.SESSION:
            try:
                engine = await factories.execution.create(
                    context=context, connection=connection, agent_factory=factories.agent
                )
            except BaseException:
                with anyio.CancelScope(shield=True):
                    await close_each((connection,))
                raise
        return UserSession(context, connection, factories.agent, factories.execution, engine)


def build_registry(components: Components, parts: FactoryParts) -> FactoryRegistry:
    """The factories of a backend instance; `components` says what stands at each seam."""
    registry = FactoryRegistry()
    registry.register(Role.CONNECTION, "direct", Lines())
    registry.register(
        Role.CONNECTION,
        "recorded",
        components("factory_connection_factory")(
            parts, components("factory_connection_failures")()
        ),
    )
    registry.register(
        Role.CONNECTION,
        "isolated",
        components("isolated_connection_factory")(
            parts, components("isolated_connection_failures")()
        ),
    )
    registry.register(Role.AGENT, "direct", RunnerAgents(parts))
    registry.register(Role.AGENT, "recorded", RecordedAgents(parts, components("agent_failures")()))
    execution_failures = components("execution_failures")()
    registry.register(Role.EXECUTION, "direct", DirectEngines(parts))
    registry.register(Role.EXECUTION, "worker", WorkerEngines(parts, execution_failures))
    registry.register(
        Role.EXECUTION,
        "isolated",
        components("isolated_execution_factory")(parts, execution_failures),
    )
    return registry


def build_assemblies(
    components: Components, registry: FactoryRegistry, websocket_manager: WebSocketManager
) -> dict[Mode, SessionAssembly]:
    """Who puts the sessions of each mode together."""

    def factories_of(mode: Mode) -> ModeFactories:
        recipe = RECIPES[mode]
        return ModeFactories(
            connection=registry.factory(Role.CONNECTION, recipe.connection),
            agent=registry.factory(Role.AGENT, recipe.agent),
            execution=registry.factory(Role.EXECUTION, recipe.execution),
            scope=recipe.scope,
        )

    return {
        Mode.MAIN: ConstructorAssembly(factories_of(Mode.MAIN), websocket_manager),
        Mode.FACTORY: components("factory_assembly")(factories_of(Mode.FACTORY), websocket_manager),
        Mode.ISOLATED: ConstructorAssembly(factories_of(Mode.ISOLATED), websocket_manager),
    }
