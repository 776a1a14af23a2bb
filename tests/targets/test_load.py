"""Load on somebody else's platform: none that its file does not name, and no more than it names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gp_helpers.checkers import Outcome, Verdict
from gp_helpers.execution.trials import Plan, run_plan
from gp_helpers.history import History, Kind
from gp_helpers.history.recording import read
from gp_helpers.parameters import Parameters
from tests.targets.conftest import PASSWORD, SmallPlatform, described

pytestmark = pytest.mark.anyio

CASE = "journey.performance_under_load"
RATE_PER_S = 5
LATE_S = 0.5
"""By so much a session may have begun before it is on record."""


async def under(load: Any, platform: SmallPlatform, keep: Path) -> tuple[Verdict, History]:
    accounts = [{"email": f"{name}@a.example", "password": PASSWORD} for name in "abcdef"]
    target = described(platform.port, accounts={"inline": json.dumps(accounts)})
    del target["auth"]["validators"]["me"]["identity"]  # It takes everybody for Ada.
    target["limits"] |= {"concurrent_users": 6, "connections": 100, "load": load}
    parameters = Parameters.model_validate({"target": target, "expectation": "none"})
    [result] = await run_plan(Plan(CASE, parameters, frozenset(), 1, 1, keep))
    [path] = (keep / "histories").glob("*.jsonl")
    return result.verdict, read(path)


async def test_a_load_that_is_not_named_does_not_happen(
    platform: SmallPlatform, tmp_path: Path
) -> None:
    verdict, history = await under(None, platform, tmp_path)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.reason.startswith("not possible here: limits.load is not stated; so ")
    assert platform.presented == []
    assert not history.of(Kind.WS_OPENING)


async def test_a_load_keeps_to_the_users_and_the_rate_that_are_named(
    platform: SmallPlatform, tmp_path: Path
) -> None:
    named = {"users": 2, "rate_per_s": RATE_PER_S}
    _, history = await under(named, platform, tmp_path)
    sessions = history.of(Kind.WS_OPENING)
    assert len(sessions) > 20
    assert len({entry.actor for entry in sessions}) == 1 + named["users"]
    # One that is on record late comes closer to the next one, but not so much closer.
    for first, sixth in zip(sessions, sessions[5:], strict=False):
        assert sixth.t - first.t >= 5 / RATE_PER_S - LATE_S
