"""The agents that there are: what each is told to do, and the words that lead to it."""

from __future__ import annotations

from dataclasses import dataclass

from gp_helpers.platform.routing.router import Route, Router


@dataclass(frozen=True, slots=True)
class AgentSpecification:
    """One agent."""

    name: str
    instructions: str
    keywords: tuple[str, ...]


AGENTS = (
    AgentSpecification(
        "planning",
        "You plan: put the user's next steps in order, the one that saves most first.",
        ("plan", "roadmap", "schedule", "next step", "reduce", "save"),
    ),
    AgentSpecification(
        "analysis",
        "You analyse: say where the user's money goes and what stands out.",
        ("analy", "why", "compare", "break down", "breakdown", "largest", "cost", "spend"),
    ),
    AgentSpecification(
        "triage",
        "You triage: find out what the user needs and give a first overview.",
        (),
    ),
)
"""In the order in which the router tries them."""


def default_router() -> Router:
    """The router over all agents; what no word decides goes to triage."""
    return Router(tuple(Route(agent.name, agent.keywords) for agent in AGENTS), default="triage")
