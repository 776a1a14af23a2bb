"""What the trials of a case took on average, held against the plan's limit for averages.

It is told and turns no verdict: a verdict rests on one history, an average on several.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from gp_helpers.checkers import Verdict
from gp_helpers.plan import CASES, THRESHOLDS


def average_of(case_id: str, trials: Sequence[tuple[Mapping[str, Any], Verdict]]) -> dict[str, Any]:
    """The average over trials, each given as its history's header and its verdict.

    Seconds are those that the claim `within_time` measured: what had to be waited for silence is
    not the platform's time. ``within`` is None where nothing was measured.
    """
    name = CASES[case_id].average_threshold
    headers = [header.get("thresholds") for header, _ in trials]
    limits = [_limit(stated.get(name)) for stated in headers if isinstance(stated, Mapping)]
    limit = next((one for one in limits if one is not None), float(THRESHOLDS[name].limit))
    seconds = [
        claim.measured["seconds"]
        for _, verdict in trials
        for claim in verdict.claims
        if claim.name == "within_time" and "seconds" in claim.measured
    ]
    mean = round(fmean(seconds), 4) if seconds else None
    return {
        "seconds": mean,
        "trials": len(seconds),
        "threshold": name,
        "limit": limit,
        "within": None if mean is None else mean < limit,
    }


def _limit(stated: Any) -> float | None:
    """A limit as a header states it; None for what is no finite number, which limits nothing."""
    if isinstance(stated, bool) or not isinstance(stated, int | float):
        return None
    try:
        limit = float(stated)
    except OverflowError:
        return None
    return limit if math.isfinite(limit) else None
