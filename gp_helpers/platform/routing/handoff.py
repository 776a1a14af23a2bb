"""Hand-offs: a request that names its first agent goes on to those whose words it contains.

The published rules: agents are visited in the order triage, analysis, planning, each at most once;
a request that names no agent is worked on by one alone. No desk is kept while another one works.
"""

from __future__ import annotations

from gp_helpers.platform.contract import AgentRequest
from gp_helpers.platform.errors import PlatformError
from gp_helpers.platform.routing.desks import Desks
from gp_helpers.platform.routing.roles import Errand, HandoffRules
from gp_helpers.platform.routing.vocabulary import ANALYSIS, PLANNING, TRIAGE, stems_in

ORDER = (TRIAGE, ANALYSIS, PLANNING)


class EachAgentOnce:
    """The next agent in order that has not had the request and whose words it contains."""

    def next_after(self, request: AgentRequest, path: tuple[str, ...]) -> str | None:
        if request.agent is None:
            return None
        wanted = stems_in(request.message)
        return next((agent for agent in ORDER if agent in wanted and agent not in path), None)


class DeskByDesk:
    """Leaves each desk before it goes to the next one, and not to more than the limit allows."""

    def __init__(self, desks: Desks, rules: HandoffRules, most_handoffs: int) -> None:
        self._desks = desks
        self._rules = rules
        self._most_handoffs = most_handoffs

    async def work(self, first: str, errand: Errand) -> None:
        request = errand.request
        agent: str | None = first
        with self._desks.following(request) as path:
            while agent is not None:
                path.append(agent)
                if len(path) - 1 > self._most_handoffs:
                    told = " -> ".join(path)
                    raise PlatformError("handoff_limit", f"Handed on too often: {told}.")
                async with self._desks.at(agent, request):
                    await errand.take_turn(agent)
                agent = self._rules.next_after(request, tuple(path))
