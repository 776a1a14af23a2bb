"""What is particular about the factory suite's cases; both directions of all are in detection."""

from __future__ import annotations

import pytest

from gp_helpers.checkers import Outcome
from gp_helpers.execution.trials import Plan
from gp_helpers.history import Entry, History, Kind
from gp_helpers.plan import CASES, Suite
from gp_helpers.platform.defects.catalogue import CATALOGUE
from tests.cases.trials import in_threads, trial_of

FACTORY_CASES = [case.id for case in CASES.values() if case.suite is Suite.FACTORY]


@pytest.mark.parametrize("sessions", [7, 23])
def test_an_environment_says_how_many_sessions_come_and_go(sessions: int) -> None:
    parameters = in_threads("remediated").model_copy(update={"sessions": sessions})
    verdict, history = trial_of(Plan("factory.lifecycle", parameters, frozenset(), 1, 1))
    if sessions == 7:
        assert [entry.data["sessions_so_far"] for entry in readings(history)] == [0, 5, 7]
    assert verdict.outcome is Outcome.PASS, verdict.reason
    assert len(history.of(Kind.WS_OPENED)) == sessions


def readings(history: History) -> list[Entry]:
    return [one for one in history.of(Kind.READING) if one.data.get("resources") == "left"]


@pytest.mark.parametrize("case", FACTORY_CASES)
def test_with_all_defects_on_a_case_comes_to_a_verdict_that_is_not_green(case: str) -> None:
    parameters = in_threads("as_reported")
    verdict, _ = trial_of(Plan(case, parameters, frozenset(CATALOGUE), 1, 1))
    assert verdict.outcome in (Outcome.FAIL, Outcome.INCONCLUSIVE), verdict.reason
