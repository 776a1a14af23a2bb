"""Every case in both directions: as reported it fails with its findings, remediated it passes.

Five trials of each: three in one process, of which remediated one is the first once more; one by
the plan's command, a process a service; and one in its notebook under stock papermill, remediated
the contrast there. Then each defect alone once. Every trial has a platform of its own. The long
measurement is `golden-path soak`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from gp_helpers.checkers import Outcome, Verdict, judge
from gp_helpers.execution.trials import Plan, run_plans
from gp_helpers.history import first_divergence, read
from gp_helpers.plan import CASES
from gp_helpers.platform.defects.catalogue import CATALOGUE, defects_of
from tests.cases.trials import JOBS, Direction, in_threads
from tests.notebooks.stock import executed_with
from tests.plan.lines import REMEDIATED, all_of_the_plan

TRIALS = 5
Factory = pytest.TempPathFactory


@dataclass(frozen=True)
class Shown:
    """What a trial came to, whoever made it."""

    outcome: str
    findings: frozenset[str]
    reason: str


def shown(verdict: Verdict) -> Shown:
    return Shown(verdict.outcome.value, frozenset(verdict.findings), verdict.reason)


def all_trials(
    direction: Direction, case: str, role: str, factory: Factory, *behind: str
) -> list[Shown]:
    """The trials that were made of a case, that of the plan's test, and that in its notebook."""
    told = all_of_the_plan(factory, *behind).outcomes[CASES[case].test_name]
    [outcome] = told.outcomes
    planned = Shown(outcome, told.findings, f"the plan's test {told.result}")
    in_its_notebook = judge(read(executed_with(factory, case).history_of(case, role)))
    made = [shown(one.verdict) for one in direction.results[case]]
    return [*made, planned, shown(in_its_notebook)]


@pytest.fixture(scope="module")
def each_defect_alone(as_reported: Direction) -> Mapping[str, Verdict]:
    """A trial of the case that a defect is about, by the defect."""
    parameters = in_threads("as_reported")
    alone = {one.id: one.case for one in CATALOGUE.values() if len(defects_of(one.case)) > 1}
    plans = [Plan(case, parameters, frozenset({name}), 1, 1) for name, case in alone.items()]
    made = [result.verdict for result in run_plans(plans, jobs=JOBS)]
    the_only_one = {
        one.id: as_reported.results[one.case][0].verdict
        for one in CATALOGUE.values()
        if one.id not in alone
    }
    return dict(zip(alone, made, strict=True)) | the_only_one


@pytest.mark.parametrize("case", CASES)
def test_as_reported_every_trial_fails_with_the_findings_that_the_case_is_about(
    case: str, as_reported: Direction, tmp_path_factory: Factory
) -> None:
    wanted = {CATALOGUE[name].finding_code for name in defects_of(case)}
    trials = all_trials(as_reported, case, "trial", tmp_path_factory)
    assert len(trials) == TRIALS
    for trial in trials:
        assert trial.outcome == Outcome.FAIL.value, trial.reason
        assert wanted <= trial.findings, trial.reason


@pytest.mark.parametrize("case", CASES)
def test_remediated_every_trial_passes(
    case: str, remediated: Direction, tmp_path_factory: Factory
) -> None:
    trials = all_trials(remediated, case, "contrast", tmp_path_factory, *REMEDIATED)
    assert len(trials) == TRIALS
    for trial in trials:
        assert trial.outcome == Outcome.PASS.value, trial.reason


@pytest.mark.parametrize("case", CASES)
def test_two_trials_of_the_same_wiring_and_seed_diverge_nowhere(
    case: str, remediated: Direction
) -> None:
    one, other = remediated.history_of(case), remediated.history_again(case)
    assert one.header["seed"] == other.header["seed"]
    assert one.header["defects"] == other.header["defects"] == []
    assert judge(one).outcome is judge(other).outcome is Outcome.PASS
    assert first_divergence(one, other) is None


@pytest.mark.parametrize("defect", CATALOGUE)
def test_a_defect_alone_is_found_by_the_case_that_is_about_it(
    defect: str, each_defect_alone: Mapping[str, Verdict]
) -> None:
    verdict = each_defect_alone[defect]
    assert verdict.outcome is Outcome.FAIL, verdict.reason
    assert CATALOGUE[defect].finding_code in verdict.findings, verdict.reason
