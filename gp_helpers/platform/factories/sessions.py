"""A user's session: the objects that were put together for one connection, and how they end.

A session has one owner, and outlives its connection while a request is being worked on: the answer
still has to reach its user, by replay if need be.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Protocol

from gp_helpers.platform.contract import AgentRequest
from gp_helpers.platform.factories.contract import (
    AgentFactory,
    Dependency,
    ExecutionEngine,
    ExecutionFactory,
    UserConnection,
    UserContext,
)

logger = logging.getLogger(__name__)


class Closable(Protocol):
    async def close(self) -> None: ...


class UserSession:
    """What was made for one connection; `engine` is `None` where each request gets its own."""

    def __init__(
        self,
        context: UserContext,
        connection: UserConnection,
        agent_factory: AgentFactory,
        execution_factory: ExecutionFactory,
        engine: ExecutionEngine | None,
    ) -> None:
        self.context = context
        self.connection = connection
        self.engine = engine
        self.is_over = False
        """Its user has left."""
        self.running = 0
        """Requests that are being worked on."""
        self.completed = 0
        """Requests whose engine ended without an error."""
        self._agent_factory = agent_factory
        self._execution_factory = execution_factory

    def parts(self) -> tuple[Closable, ...]:
        """What has to be closed, in the order in which it was made."""
        return (self.connection,) if self.engine is None else (self.connection, self.engine)

    def dependencies(self) -> Sequence[Dependency]:
        own = (Dependency("connection", self.connection),)
        if self.engine is None:
            return (*own, Dependency("execution_factory", self._execution_factory))
        return (*own, Dependency("engine", self.engine))

    async def work_on(self, request: AgentRequest) -> Work:
        """The work on a request, with its engine; nothing is done before `Work.run`."""
        if self.engine is not None:
            return Work(self, self.engine, request)
        engine = await self._execution_factory.create(
            context=self.context, connection=self.connection, agent_factory=self._agent_factory
        )
        return Work(self, engine, request, only=engine)


class Work:
    """One request in the hands of an engine; `only` is what is closed with it."""

    def __init__(
        self,
        session: UserSession,
        engine: ExecutionEngine,
        request: AgentRequest,
        *,
        only: Closable | None = None,
    ) -> None:
        self.session = session
        self._engine = engine
        self._request = request
        self._only = only

    async def run(self) -> None:
        """Raises what the engine raises."""
        try:
            await self._engine.execute(self._request)
            self.session.completed += 1
        finally:
            if self._only is not None:
                await close_each((self._only,))


class SessionClosing(Protocol):
    """Closes what a session is made of. Raises nothing: what goes wrong is logged."""

    async def close(self, session: UserSession) -> None: ...


class ReverseClosing:
    """Closes what was made last first, so that nothing loses what it still needs."""

    async def close(self, session: UserSession) -> None:
        await close_each(reversed(session.parts()))


class SessionKeeping(Protocol):
    """Decides when a session is closed."""

    async def left(self, session: UserSession) -> None:
        """The session's user has left."""
        ...

    async def finished(self, session: UserSession) -> None:
        """One of the session's requests is done."""
        ...


class ClosedWhenDone:
    """Closes a session when its user has left and its last request is done."""

    def __init__(self, closing: SessionClosing) -> None:
        self._closing = closing

    async def left(self, session: UserSession) -> None:
        if not session.running:
            await self._closing.close(session)

    async def finished(self, session: UserSession) -> None:
        if session.is_over and not session.running:
            await self._closing.close(session)


async def close_each(parts: Iterable[Closable]) -> None:
    """Close them all, in this order; one that fails keeps no other from being closed."""
    for part in parts:
        try:
            await part.close()
        except Exception:
            logger.exception("%s was not closed completely", type(part).__name__)
