"""Execution factories: the engine that has an agent answer each request of a session."""

from __future__ import annotations

import logging
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio

from gp_helpers.platform.contract import AgentRequest
from gp_helpers.platform.correlation import adopt_correlation_id, current_correlation_id
from gp_helpers.platform.errors import PlatformError
from gp_helpers.platform.factories.contract import (
    Agent,
    AgentFactory,
    Dependency,
    ExecutionEngine,
    Role,
    UserConnection,
    UserContext,
)
from gp_helpers.platform.factories.failures import FailureEdge
from gp_helpers.platform.factories.parts import FactoryParts

logger = logging.getLogger(__name__)

ENGINE_TASK = "execution_engine"
"""Name of the supervisor's tasks in which engines work."""


class DirectEngine:
    """Works where it is called: each request in its caller's task, with an agent of its own."""

    def __init__(
        self,
        context: UserContext,
        connection: UserConnection,
        agent_factory: AgentFactory,
        parts: FactoryParts,
    ) -> None:
        self.context = context
        self._connection = connection
        self._agent_factory = agent_factory
        self._parts = parts
        self.engine_id = parts.living.add(Role.EXECUTION)

    async def execute(self, request: AgentRequest) -> None:
        async with self._agent() as agent:
            await agent.answer(request)

    async def close(self) -> None:
        self._parts.living.remove(Role.EXECUTION, self.engine_id)

    def dependencies(self) -> Sequence[Dependency]:
        return (
            Dependency("connection", self._connection),
            Dependency("agent_factory", self._agent_factory),
        )

    @asynccontextmanager
    async def _agent(self) -> AsyncIterator[Agent]:
        agent = await self._agent_factory.create(context=self.context, connection=self._connection)
        try:
            yield agent
        finally:
            await _close(agent)


class RecordedEngine(DirectEngine):
    """An engine that is on record for as long as it lives."""

    async def begin(self) -> None:
        """Raises `StoreUnavailable`; then the engine does not live."""
        try:
            await self._parts.ledger.add_part(
                self.engine_id, self.context.session_id, Role.EXECUTION, self._parts.clock.now()
            )
        except BaseException:
            self._parts.living.remove(Role.EXECUTION, self.engine_id)
            raise

    async def close(self) -> None:
        await super().close()
        await self._parts.ledger.remove_part(self.engine_id)


@dataclass(slots=True)
class _Job:
    request: AgentRequest
    correlation_id: str | None
    over: anyio.Event = field(default_factory=anyio.Event)
    error: Exception | None = None


class WorkerEngine(RecordedEngine):
    """Works in a task of its own, on one request of its session after the other."""

    def __init__(
        self,
        context: UserContext,
        connection: UserConnection,
        agent_factory: AgentFactory,
        parts: FactoryParts,
    ) -> None:
        super().__init__(context, connection, agent_factory, parts)
        self._put, self._take = anyio.create_memory_object_stream[_Job](math.inf)
        self._stopped = anyio.Event()

    async def begin(self) -> None:
        await super().begin()
        self._parts.supervisor.start_soon(ENGINE_TASK, self._serve)

    async def execute(self, request: AgentRequest) -> None:
        job = _Job(request, current_correlation_id())
        await self._put.send(job)
        await job.over.wait()
        if job.error is not None:
            raise job.error

    async def close(self) -> None:
        self._put.close()
        await self._stopped.wait()
        await super().close()

    async def _serve(self) -> None:
        try:
            async with self._take:
                async for job in self._take:
                    adopt_correlation_id(job.correlation_id)
                    await self._work_on(job)
        finally:
            self._stopped.set()

    async def _work_on(self, job: _Job) -> None:
        try:
            await super().execute(job.request)
        except Exception as error:
            job.error = error
        finally:
            job.over.set()


class DirectEngines:
    """Makes engines that work where they are called, and of which nothing is recorded."""

    def __init__(self, parts: FactoryParts) -> None:
        self._parts = parts

    async def create(
        self, *, context: UserContext, connection: UserConnection, agent_factory: AgentFactory
    ) -> ExecutionEngine:
        return DirectEngine(context, connection, agent_factory, self._parts)


class _Recording:
    engine: type[RecordedEngine]

    def __init__(self, parts: FactoryParts, failures: FailureEdge) -> None:
        self._parts = parts
        self._failures = failures

    async def create(
        self, *, context: UserContext, connection: UserConnection, agent_factory: AgentFactory
    ) -> ExecutionEngine:
        async def record() -> ExecutionEngine:
            engine = self.engine(context, connection, agent_factory, self._parts)
            await engine.begin()
            return engine

        return await self._failures.make(
            "execution engine",
            record,
            lambda: DirectEngine(context, connection, agent_factory, self._parts),
        )


class WorkerEngines(_Recording):
    """Makes engines with a task of their own, and records them."""

    engine = WorkerEngine


class RecordedEngines(_Recording):
    """Makes engines that work where they are called, and records them."""

    engine = RecordedEngine


async def _close(agent: Agent) -> None:
    """An answer that was given is not taken back because its agent's record stays behind."""
    try:
        await agent.close()
    except PlatformError as error:
        logger.warning("an agent was not closed completely: %s", error)
