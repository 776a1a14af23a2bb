"""The router: the one place that decides which agent works on a request.

The published rules, in this order:

1. An agent that the request names works on it; a name that no agent has is refused.
2. Otherwise the agent of whose words the message contains most; `vocabulary` holds them.
3. Where two have as many, planning comes before analysis, and analysis before triage.
4. Triage takes what no word decides.
"""

from __future__ import annotations

from collections.abc import Mapping

from gp_helpers.platform.contract import AgentRequest
from gp_helpers.platform.errors import PlatformError
from gp_helpers.platform.routing.roles import MessageRouter
from gp_helpers.platform.routing.vocabulary import AGENTS, TRIAGE, stems_in


class Router:
    """Decides by the published rules."""

    @property
    def agents(self) -> tuple[str, ...]:
        """The agents that there are."""
        return AGENTS

    def decide(self, request: AgentRequest) -> str:
        """The agent's name; raises `PlatformError("unknown_agent")` for one that is not there."""
        if request.agent is not None:
            if request.agent not in AGENTS:
                raise PlatformError("unknown_agent", f"No agent is called {request.agent!r}.")
            return request.agent
        found = stems_in(request.message)
        return max(found, key=lambda agent: found[agent], default=TRIAGE)


class OneRouter:
    """The platform's router is the agents' own: nobody else decides."""

    def __init__(self, registry: Router) -> None:
        self._registry = registry

    def decide(self, request: AgentRequest) -> str:
        return self._registry.decide(request)

    @property
    def routers(self) -> Mapping[str, MessageRouter]:
        return {"router": self._registry}
