"""Targets: what the probes talk to, described and running."""

from gp_helpers.targets.opening import open_target, prepare, runs_as_processes
from gp_helpers.targets.running import (
    Ability,
    Arrangement,
    Controls,
    Hop,
    NotStartedError,
    RunningTarget,
    TargetKind,
    Unavailable,
)

__all__ = [
    "Ability",
    "Arrangement",
    "Controls",
    "Hop",
    "NotStartedError",
    "RunningTarget",
    "TargetKind",
    "Unavailable",
    "open_target",
    "prepare",
    "runs_as_processes",
]
