"""Routers and factories of the help desk: right ones, and ones that only look right alone."""

from collections.abc import Mapping
from typing import Any

from gp_helpers.platform.contract import AgentRequest
from gp_helpers.platform.factories import UserConnection, UserContext, WebSocketManager
from gp_helpers.platform.routing.router import Router

OURS = {"analysis": "figures", "planning": "plans", "triage": "front-desk"}
THEIRS = {theirs: ours for ours, theirs in OURS.items()}


def route(message: Mapping[str, Any]) -> str:
    """Who works on a message, by the published rules, under the desk's own names."""
    named = message.get("agent")
    if named is not None and named not in THEIRS:
        raise LookupError(f"nobody here is called {named}")
    request = AgentRequest("x", "x", message["message"], THEIRS.get(str(named)))
    return OURS[Router().decide(request)]


async def route_by_first_word(message: Mapping[str, Any]) -> Mapping[str, str]:
    """Knows the messages of its own tests, and not the agent that a message names."""
    first = message["message"].casefold().split()[:1]
    return {"agent": {"why": "figures", "plan": "plans"}.get("".join(first), "front-desk")}


class _Line:
    def __init__(self, context: UserContext, manager: WebSocketManager) -> None:
        self._context, self._manager = context, manager

    async def emit(self, user_id: str, event: Any) -> None:
        del user_id
        await self._manager.deliver(self._context.session_id, event)

    async def close(self) -> None:
        self._manager.detach(self._context.session_id)


class Lines:
    """Makes lines as the contract has it."""

    async def create(
        self, *, context: UserContext, websocket_manager: WebSocketManager
    ) -> UserConnection:
        return _Line(context, websocket_manager)


class ManagerLines:
    """Calls the manager by another name: works alone, and with nobody else."""

    async def create(self, context: UserContext, manager: WebSocketManager) -> UserConnection:
        return _Line(context, manager)
