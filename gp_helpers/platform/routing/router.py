"""The router: the one place that decides which agent works on a request."""

from __future__ import annotations

from dataclasses import dataclass

from gp_helpers.platform.contract import AgentRequest
from gp_helpers.platform.errors import PlatformError


@dataclass(frozen=True, slots=True)
class Route:
    """An agent, and the words that lead to it."""

    agent: str
    keywords: tuple[str, ...]


class Router:
    """Takes the agent that a request declares, else the first whose words occur in the message."""

    def __init__(self, routes: tuple[Route, ...], default: str) -> None:
        self._routes = routes
        self._default = default

    @property
    def agents(self) -> tuple[str, ...]:
        return tuple(route.agent for route in self._routes)

    def decide(self, request: AgentRequest) -> str:
        """The agent's name; raises `PlatformError("unknown_agent")` for one that is not there."""
        if request.agent is not None:
            if request.agent not in self.agents:
                raise PlatformError("unknown_agent", f"No agent is called {request.agent!r}.")
            return request.agent
        text = request.message.casefold()
        for route in self._routes:
            if any(keyword in text for keyword in route.keywords):
                return route.agent
        return self._default
