"""The sessions of one backend instance: opened with a connection, worked on, left, closed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from gp_helpers.platform.contract import AgentRequest, Mode
from gp_helpers.platform.factories.assembly import SessionAssembly
from gp_helpers.platform.factories.channels import Channels
from gp_helpers.platform.factories.contract import Role, UserContext
from gp_helpers.platform.factories.graph import graph_of
from gp_helpers.platform.factories.parts import Living
from gp_helpers.platform.factories.sessions import SessionKeeping, UserSession, Work
from gp_helpers.platform.seams import EventSink

Conformance = Callable[[], Awaitable[list[dict[str, Any]]]]


class LiveSessions:
    """What the gateway knows of the factories: sessions by the connection they belong to."""

    def __init__(
        self,
        *,
        assemblies: Mapping[Mode, SessionAssembly],
        channels: Channels,
        keeping: SessionKeeping,
        living: Living,
        conformance: Conformance,
    ) -> None:
        self._assemblies = assemblies
        self._channels = channels
        self._keeping = keeping
        self._living = living
        self._conformance = conformance
        self._sessions: dict[str, UserSession] = {}

    @property
    def modes(self) -> tuple[Mode, ...]:
        """The modes that a connection may ask for."""
        return tuple(self._assemblies)

    async def open(self, context: UserContext, sink: EventSink) -> None:
        """Put a session together; raises `PlatformError`, and then nothing of it is left."""
        self._channels.attach(context.session_id, context.user_id, sink)
        try:
            session = await self._assemblies[context.mode].assemble(context)
        except BaseException:
            self._channels.detach(context.session_id)
            raise
        self._sessions[context.session_id] = session

    async def begin(self, session_id: str, request: AgentRequest) -> Work:
        """The work on a request, to be given to `run`; raises `PlatformError`."""
        session = self._sessions[session_id]
        session.running += 1
        try:
            return await session.work_on(request)
        except BaseException:
            session.running -= 1
            raise

    async def run(self, work: Work) -> None:
        """Work on a request to its end; raises what its engine raises."""
        try:
            await work.run()
        finally:
            work.session.running -= 1
            await self._keeping.finished(work.session)

    async def leave(self, session_id: str) -> None:
        """Take note that the session's connection is over; without a session nothing happens."""
        session = self._sessions.pop(session_id, None)
        if session is not None:
            session.is_over = True
            await self._keeping.left(session)

    def state(self) -> dict[str, int]:
        """How much there is of what sessions are made of."""
        return {
            "sessions": len(self._sessions),
            "channels": len(self._channels),
            "engines": self._living.count(Role.EXECUTION),
            "agents": self._living.count(Role.AGENT),
        }

    async def describe(self) -> dict[str, Any]:
        """Which factories fit the contract, and the object graph of every session."""
        return {
            "modes": [str(mode) for mode in self.modes],
            "conformance": await self._conformance(),
            "sessions": [self._describe(session) for session in self._sessions.values()],
        }

    def _describe(self, session: UserSession) -> dict[str, Any]:
        context = session.context
        return {
            "session_id": context.session_id,
            "user_id": context.user_id,
            "mode": str(context.mode),
            "device": context.device,
            "running": session.running,
            "completed": session.completed,
            "delivered": self._channels.delivered(context.session_id),
            "graph": graph_of({"session": session}).to_json(),
        }
