"""Connection factories: a user's line from their agents to the WebSocket manager."""

from __future__ import annotations

from collections.abc import Sequence

from gp_helpers.platform.contract import Event
from gp_helpers.platform.factories.contract import Dependency, UserContext, WebSocketManager
from gp_helpers.platform.factories.failures import FailureEdge
from gp_helpers.platform.factories.parts import FactoryParts, SessionLedger


class Line:
    """A connection that is complete when it is made."""

    def __init__(self, context: UserContext, websocket_manager: WebSocketManager) -> None:
        self.context = context
        self._websocket_manager = websocket_manager

    async def emit(self, _user_id: str, event: Event) -> None:
        await self._websocket_manager.deliver(self.context.session_id, event)

    async def close(self) -> None:
        self._websocket_manager.detach(self.context.session_id)

    def dependencies(self) -> Sequence[Dependency]:
        return (Dependency("websocket_manager", self._websocket_manager),)


class RecordedLine(Line):
    """A connection whose session is on record for as long as it is open."""

    def __init__(
        self, context: UserContext, websocket_manager: WebSocketManager, ledger: SessionLedger
    ) -> None:
        super().__init__(context, websocket_manager)
        self._ledger = ledger

    async def close(self) -> None:
        try:
            await self._ledger.close_session(self.context.session_id)
        finally:
            await super().close()

    def dependencies(self) -> Sequence[Dependency]:
        return (*super().dependencies(), Dependency("ledger", self._ledger))


class Lines:
    """Makes connections of which nothing is recorded."""

    async def create(self, *, context: UserContext, websocket_manager: WebSocketManager) -> Line:
        return Line(context, websocket_manager)


class RecordedLines:
    """Makes a connection for each session, and records the session."""

    def __init__(self, parts: FactoryParts, failures: FailureEdge) -> None:
        self._parts = parts
        self._failures = failures

    async def create(self, *, context: UserContext, websocket_manager: WebSocketManager) -> Line:
        async def record() -> Line:
            await self._parts.ledger.open_session(
                context.session_id, context.user_id, context.mode, self._parts.clock.now()
            )
            return RecordedLine(context, websocket_manager, self._parts.ledger)

        return await self._failures.make(
            "connection", record, lambda: Line(context, websocket_manager)
        )
