"""Test doubles from the contract: what a factory can be tried with when nothing else is there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from gp_helpers.platform.backend.supervision import Supervisor
from gp_helpers.platform.clock import Clock
from gp_helpers.platform.contract import AgentRequest, Event, EventType, Mode
from gp_helpers.platform.errors import StoreUnavailable
from gp_helpers.platform.factories.contract import Role, UserConnection, UserContext
from gp_helpers.platform.factories.parts import FactoryParts, Living
from gp_helpers.platform.seams import EventSink, Identity


def example_context(name: str = "example") -> UserContext:
    """The context of a user who does not exist, in a session without a device."""
    identity = Identity(f"usr_{name}", f"{name}@golden-path.example", ("chat:write",), 4e9)
    return UserContext(identity, f"session_{name}", Mode.FACTORY)


def example_request() -> AgentRequest:
    return AgentRequest(id="req_example", thread_id="thr_example", message="What can I ask?")


def example_event(context: UserContext) -> Event:
    return Event(
        type=EventType.AGENT_STARTED,
        request_id="req_example",
        thread_id="thr_example",
        user_id=context.user_id,
        agent="triage",
        timestamp=0.0,
        data={},
    )


@dataclass
class ExampleManager:
    """A WebSocket manager that remembers what it delivered, and to whom."""

    delivered: list[tuple[str, Event]] = field(default_factory=list)

    async def deliver(self, session_id: str, event: Event) -> None:
        self.delivered.append((session_id, event))

    def detach(self, session_id: str) -> None:
        """Nothing was attached."""


@dataclass
class ExampleConnection:
    """A connection that remembers what was emitted."""

    context: UserContext
    emitted: list[Event] = field(default_factory=list)

    async def emit(self, _user_id: str, event: Event) -> None:
        self.emitted.append(event)

    async def close(self) -> None:
        """Nothing was opened."""


@dataclass
class ExampleAgents:
    """An agent factory whose agents remember what they were asked."""

    answered: list[AgentRequest] = field(default_factory=list)

    async def create(self, *, context: UserContext, connection: UserConnection) -> _ExampleAgent:
        return _ExampleAgent(self, context, connection)


@dataclass
class _ExampleAgent:
    factory: ExampleAgents
    context: UserContext
    connection: UserConnection

    async def answer(self, request: AgentRequest) -> None:
        self.factory.answered.append(request)
        await self.connection.emit(self.context.user_id, example_event(self.context))

    async def close(self) -> None:
        """Nothing was opened."""


class ExampleRunner:
    """An agent runner that emits one event."""

    async def run(self, identity: Identity, _request: AgentRequest, sink: EventSink) -> None:
        context = UserContext(identity, "session_example", Mode.FACTORY)
        await sink.emit(identity.user_id, example_event(context))


@dataclass
class ExampleLedger:
    """A ledger in memory, as strict as the store's; `is_locked` makes its writes fail."""

    sessions: dict[str, set[str]] = field(default_factory=dict)
    is_locked: bool = False

    async def open_session(self, session_id: str, _user_id: str, _mode: Mode, _now: float) -> None:
        self._check()
        self.sessions[session_id] = set()

    async def close_session(self, session_id: str) -> None:
        self._check()
        if self.sessions.get(session_id):
            raise ValueError(f"{session_id} still has {', '.join(self.sessions[session_id])}")
        self.sessions.pop(session_id, None)

    async def add_part(self, part_id: str, session_id: str, _role: Role, _now: float) -> None:
        self._check()
        if session_id not in self.sessions:
            raise ValueError(f"there is no session {session_id}")
        self.sessions[session_id].add(part_id)

    async def remove_part(self, part_id: str) -> None:
        self._check()
        for parts in self.sessions.values():
            parts.discard(part_id)

    def _check(self) -> None:
        if self.is_locked:
            raise StoreUnavailable


@asynccontextmanager
async def example_parts(ledger: ExampleLedger | None = None) -> AsyncIterator[FactoryParts]:
    """Parts for the platform's own factories; their tasks end with the context."""
    supervisor = Supervisor()
    context = example_context()
    ledger = ledger or ExampleLedger({context.session_id: set()})
    async with supervisor.running():
        yield FactoryParts(
            runner=ExampleRunner(),
            supervisor=supervisor,
            ledger=ledger,
            living=Living(),
            clock=Clock(),
        )
