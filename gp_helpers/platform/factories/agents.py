"""Agent factories: an agent for each request, speaking through its user's connection."""

from __future__ import annotations

from collections.abc import Sequence

from gp_helpers.platform.contract import AgentRequest
from gp_helpers.platform.factories.contract import (
    Agent,
    Dependency,
    Role,
    UserConnection,
    UserContext,
)
from gp_helpers.platform.factories.failures import FailureEdge
from gp_helpers.platform.factories.parts import FactoryParts


class RunnerAgent:
    """Answers as the context's user, through the connection that it was made with."""

    def __init__(
        self, context: UserContext, connection: UserConnection, parts: FactoryParts
    ) -> None:
        self.context = context
        self._connection = connection
        self._parts = parts
        self.agent_id = parts.living.add(Role.AGENT)

    async def answer(self, request: AgentRequest) -> None:
        await self._parts.runner.run(self.context.identity, request, self._connection)

    async def close(self) -> None:
        self._parts.living.remove(Role.AGENT, self.agent_id)

    def dependencies(self) -> Sequence[Dependency]:
        return (
            Dependency("connection", self._connection),
            Dependency("runner", self._parts.runner),
        )


class RecordedAgent(RunnerAgent):
    """An agent that is on record for as long as it lives."""

    async def close(self) -> None:
        await super().close()
        await self._parts.ledger.remove_part(self.agent_id)


class IdleAgent:
    """An agent that has nothing to do."""

    async def answer(self, request: AgentRequest) -> None:
        """Nothing is to be done about the request."""

    async def close(self) -> None:
        """There is nothing to give back."""


class RunnerAgents:
    """Makes agents of which nothing is recorded."""

    def __init__(self, parts: FactoryParts) -> None:
        self._parts = parts

    async def create(self, *, context: UserContext, connection: UserConnection) -> Agent:
        return RunnerAgent(context, connection, self._parts)

    def dependencies(self) -> Sequence[Dependency]:
        return (Dependency("runner", self._parts.runner),)


class RecordedAgents:
    """Makes an agent for each request, and records it."""

    def __init__(self, parts: FactoryParts, failures: FailureEdge) -> None:
        self._parts = parts
        self._failures = failures

    async def create(self, *, context: UserContext, connection: UserConnection) -> Agent:
        async def record() -> Agent:
            agent = RecordedAgent(context, connection, self._parts)
            try:
                await self._parts.ledger.add_part(
                    agent.agent_id, context.session_id, Role.AGENT, self._parts.clock.now()
                )
            except BaseException:
                self._parts.living.remove(Role.AGENT, agent.agent_id)
                raise
            return agent

        return await self._failures.make("agent", record, IdleAgent)

    def dependencies(self) -> Sequence[Dependency]:
        return (
            Dependency("runner", self._parts.runner),
            Dependency("ledger", self._parts.ledger),
        )
