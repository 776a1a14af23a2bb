"""Parameters of a trial over many more sessions than one that has to be short.

A leak of one object in each session shows over twenty sessions; a slower one needs hundreds, which
takes ten seconds: too long for each trial of each run, and no matter for somebody who waits for it.
"""

from __future__ import annotations

from gp_helpers.parameters import Parameters


def with_sessions(parameters: Parameters, count: int) -> Parameters:
    """The parameters with so many sessions in one trial, and as much more time for it."""
    longer = max(count / parameters.sessions, 1.0)
    limits = parameters.thresholds | {"case_seconds": parameters.threshold("case_seconds") * longer}
    return parameters.model_copy(update={"sessions": count, "thresholds": limits})
