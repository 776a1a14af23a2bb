"""What every case's statement of business value shares: the plan's goal, and what it protects."""

from __future__ import annotations

from gp_helpers.plan.kinds import Segment, Value

_RELIABILITY = "Golden Path reliability: a person who logs in gets an answer"
_REVENUE = "protects the $500K+ of yearly revenue that depends on the Golden Path"


def value(segment: Segment, impact: str, strategic_impact: str) -> Value:
    """The statement of a case that has this impact."""
    return Value(segment, _RELIABILITY, f"{impact}; {_REVENUE}", strategic_impact)
