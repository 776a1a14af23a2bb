"""The contract of the factories that put a user's session together, as Protocols.

Public: whoever has factories of their own holds them against these with `check_factories`. All
arguments of `create` are given by keyword, under the names that stand here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from gp_helpers.platform.contract import AgentRequest, Event, Mode
from gp_helpers.platform.seams import Identity


class Role(StrEnum):
    """What a factory makes."""

    CONNECTION = "connection"
    """A user's line: what an agent speaks through."""
    AGENT = "agent"
    """What answers one request."""
    EXECUTION = "execution"
    """The engine that has an agent answer requests."""


@dataclass(frozen=True, slots=True)
class UserContext:
    """Whose session it is. Everything that is made for it belongs to this user and nobody else."""

    identity: Identity
    session_id: str
    """One session is one WebSocket connection."""
    mode: Mode
    device: str | None = None
    """Id that the client gave its device (`?device=`); most clients give none."""

    @property
    def user_id(self) -> str:
        return self.identity.user_id


class WebSocketManager(Protocol):
    """Knows how to reach each session's user."""

    async def deliver(self, session_id: str, event: Event) -> None:
        """Send an event to the session's user; raises `LookupError` for an unknown session."""
        ...

    def detach(self, session_id: str) -> None:
        """Forget a session; one that is not there is no error."""
        ...


class UserConnection(Protocol):
    """A user's line: what is emitted here goes to the user it was made for."""

    @property
    def context(self) -> UserContext: ...

    async def emit(self, user_id: str, event: Event) -> None: ...

    async def close(self) -> None: ...


class Agent(Protocol):
    """Answers one request through the connection that it was made with."""

    async def answer(self, request: AgentRequest) -> None: ...

    async def close(self) -> None: ...


class ExecutionEngine(Protocol):
    """Has agents answer the requests of one session."""

    async def execute(self, request: AgentRequest) -> None:
        """Returns when the request is answered; raises `PlatformError` when it cannot be."""
        ...

    async def close(self) -> None: ...


class ConnectionFactory(Protocol):
    async def create(
        self, *, context: UserContext, websocket_manager: WebSocketManager
    ) -> UserConnection: ...


class AgentFactory(Protocol):
    async def create(self, *, context: UserContext, connection: UserConnection) -> Agent: ...


class ExecutionFactory(Protocol):
    async def create(
        self, *, context: UserContext, connection: UserConnection, agent_factory: AgentFactory
    ) -> ExecutionEngine: ...


class Injection(StrEnum):
    """How an object gets what it depends on."""

    CONSTRUCTOR = "constructor"
    SETTER = "setter"
    METHOD = "method"


@dataclass(frozen=True, slots=True)
class Dependency:
    """Something that an object depends on."""

    name: str
    value: object | None
    """`None`: it should be there and is not."""
    injected: Injection = Injection.CONSTRUCTOR


@runtime_checkable
class Injected(Protocol):
    """An object that says what it depends on, so that the dependency graph can be drawn."""

    def dependencies(self) -> Sequence[Dependency]: ...
