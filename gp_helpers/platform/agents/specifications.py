"""What each agent is told to do."""

from __future__ import annotations

from collections.abc import Mapping

from gp_helpers.platform.routing.vocabulary import ANALYSIS, PLANNING, TRIAGE

INSTRUCTIONS: Mapping[str, str] = {
    TRIAGE: "You triage: find out what the user needs and give a first overview.",
    ANALYSIS: "You analyse: say where the user's money goes and what stands out.",
    PLANNING: "You plan: put the user's next steps in order, the one that saves most first.",
}
"""Instructions by agent."""
