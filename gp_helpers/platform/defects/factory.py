"""The as-reported components of the factory suite.

Each factory does its job with the arguments that it was written for; what breaks is how they meet.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from gp_helpers.platform.contract import Event
from gp_helpers.platform.errors import PlatformError
from gp_helpers.platform.factories.assembly import ModeFactories
from gp_helpers.platform.factories.connections import RecordedLines
from gp_helpers.platform.factories.contract import (
    AgentFactory,
    Dependency,
    ExecutionEngine,
    Injection,
    UserConnection,
    UserContext,
    WebSocketManager,
)
from gp_helpers.platform.factories.executions import RecordedEngines
from gp_helpers.platform.factories.failures import FailureEdge, Product
from gp_helpers.platform.factories.parts import FactoryParts
from gp_helpers.platform.factories.sessions import SessionClosing, UserSession

logger = logging.getLogger(__name__)


class ManagerLines:
    """Makes connections from a context and a manager, and records their sessions."""

    def __init__(self, parts: FactoryParts, failures: FailureEdge) -> None:
        self._lines = RecordedLines(parts, failures)

    async def create(self, context: UserContext, manager: WebSocketManager) -> UserConnection:
        return await self._lines.create(context=context, websocket_manager=manager)


@dataclass(frozen=True, slots=True)
class EngineConfiguration:
    """How an engine works."""

    is_recorded: bool = True


class ConfiguredEngines:
    """Makes engines for a user context, as a configuration says."""

    def __init__(self, parts: FactoryParts, failures: FailureEdge) -> None:
        self._engines = RecordedEngines(parts, failures)

    async def create(
        self,
        user_context: UserContext,
        connection: UserConnection,
        agent_factory: AgentFactory,
        configuration: EngineConfiguration,
    ) -> ExecutionEngine:
        logger.info("an engine for %s: %s", user_context.user_id, configuration)
        return await self._engines.create(
            context=user_context, connection=connection, agent_factory=agent_factory
        )


class DeviceLines:
    """Keeps one connection for each device, so that a reload finds its session again."""

    def __init__(self, parts: FactoryParts, failures: FailureEdge) -> None:
        self._lines = RecordedLines(parts, failures)
        self._by_device: dict[str, UserConnection] = {}

    async def create(
        self, *, context: UserContext, websocket_manager: WebSocketManager
    ) -> UserConnection:
        line = await self._lines.create(context=context, websocket_manager=websocket_manager)
        return self._by_device.setdefault(context.device or "default", line)


class SetterBridge:
    """Connects an agent's events to a connection that may be set later."""

    def __init__(self, context: UserContext) -> None:
        self.context = context
        self._connection: UserConnection | None = None

    def set_connection(self, connection: UserConnection) -> None:
        self._connection = connection

    def sender(self) -> BridgeSender:
        """What an agent speaks through."""
        return BridgeSender(self.context, self._connection)

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()

    def dependencies(self) -> Sequence[Dependency]:
        return (Dependency("connection", self._connection, Injection.SETTER),)


class BridgeSender:
    """A bridge's end at the agent."""

    def __init__(self, context: UserContext, connection: UserConnection | None) -> None:
        self.context = context
        self._connection = connection

    async def emit(self, user_id: str, event: Event) -> None:
        if self._connection is not None:
            await self._connection.emit(user_id, event)
        logger.info("sent %s of request %s", event.type, event.request_id)

    async def close(self) -> None:
        """The bridge closes the connection."""

    def dependencies(self) -> Sequence[Dependency]:
        return (Dependency("connection", self._connection, Injection.METHOD),)


class BridgedSession(UserSession):
    """A session that also holds the bridge between its connection and its engine."""

    def __init__(
        self,
        context: UserContext,
        connection: UserConnection,
        factories: ModeFactories,
        engine: ExecutionEngine,
        bridge: SetterBridge,
    ) -> None:
        super().__init__(context, connection, factories.agent, factories.execution, engine)
        self._bridge = bridge

    def dependencies(self) -> Sequence[Dependency]:
        return (*super().dependencies(), Dependency("bridge", self._bridge, Injection.METHOD))


class SetterAssembly:
    """Makes a session's bridge first, since engine and connection both need it."""

    def __init__(self, factories: ModeFactories, websocket_manager: WebSocketManager) -> None:
        self._factories = factories
        self._websocket_manager = websocket_manager

    async def assemble(self, context: UserContext) -> UserSession:
        factories = self._factories
        connection = await factories.connection.create(
            context=context, websocket_manager=self._websocket_manager
        )
        bridge = SetterBridge(context)
        engine = await factories.execution.create(
            context=context, connection=bridge.sender(), agent_factory=factories.agent
        )
        bridge.set_connection(connection)
        return BridgedSession(context, connection, factories, engine, bridge)


class SetUpOrderClosing:
    """Closes a session's parts one after the other, in the order in which they were made."""

    async def close(self, session: UserSession) -> None:
        try:
            for part in session.parts():
                await part.close()
        except Exception:
            logger.exception("session %s was not closed", session.context.session_id)


class ClosedOnLeave:
    """Closes a session when its user leaves; one that is busy can finish its answer."""

    def __init__(self, closing: SessionClosing) -> None:
        self._closing = closing

    async def left(self, session: UserSession) -> None:
        if session.running:
            logger.info("session %s is busy", session.context.session_id)
            return
        await self._closing.close(session)

    async def finished(self, session: UserSession) -> None:
        logger.debug("session %s works on %d", session.context.session_id, session.running)


class ProductNotMade(Exception):
    """Raised when a factory could not make its product."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} could not be made")


class RaisingEdge:
    """Tells the caller in the factories' own words that there is no product."""

    async def make(
        self,
        what: str,
        work: Callable[[], Awaitable[Product]],
        _stand_in: Callable[[], Product],
    ) -> Product:
        try:
            return await work()
        except PlatformError as error:
            logger.warning("%s could not be made: %s", what, error)
            raise ProductNotMade(what) from error


class ForgivingEdge:
    """Goes on with a stand-in, so that a store which is away disturbs nobody."""

    async def make(
        self,
        what: str,
        work: Callable[[], Awaitable[Product]],
        stand_in: Callable[[], Product],
    ) -> Product:
        try:
            return await work()
        except PlatformError as error:
            logger.warning("%s could not be made, a stand-in takes its place: %s", what, error)
            return stand_in()
