"""Puts around an agent's runner what looks after its runs: who follows, repetition, failures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gp_helpers.platform.agents.observation import ObservedRuns
from gp_helpers.platform.agents.roles import RunFollowers
from gp_helpers.platform.clock import Clock
from gp_helpers.platform.seams import AgentRunner
from gp_helpers.platform.store import Runs


def supervised(
    runner: AgentRunner,
    *,
    followers: RunFollowers,
    runs: Runs,
    clock: Clock,
    instance_id: str,
    components: Callable[[str], Any],
) -> AgentRunner:
    """The runner that requests are given to; `components` says what stands at each seam."""
    observed = ObservedRuns(runner, followers)
    once = components("run_repetition")(observed, runs, clock, instance_id)
    outermost: AgentRunner = components("run_failures")(once)
    return outermost
