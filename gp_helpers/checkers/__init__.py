"""Checkers: pure functions from a history to claims held, violated or unobserved."""

from gp_helpers.checkers.claims import (
    Claim,
    ClaimState,
    Disagreement,
    Judgement,
    Observed,
    Outcome,
    Verdict,
)
from gp_helpers.checkers.judging import check_for, judge, threshold

__all__ = [
    "Claim",
    "ClaimState",
    "Disagreement",
    "Judgement",
    "Observed",
    "Outcome",
    "Verdict",
    "check_for",
    "judge",
    "threshold",
]
