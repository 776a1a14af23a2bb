"""Every case in both directions: as reported it fails with its findings, remediated it passes.

Five trials of each, and each defect alone once, every trial on a platform of its own. The long
measurement is `golden-path soak`.
"""

from __future__ import annotations

import pytest

from gp_helpers.checkers import Outcome
from gp_helpers.execution.trials import Plan, TrialResult, defects_for, run_plans
from gp_helpers.parameters import EmbeddedTarget, Isolation, Parameters, load
from gp_helpers.plan import CASES
from gp_helpers.platform.defects.catalogue import CATALOGUE, defects_of

TRIALS = 5
JOBS = 1
"""The tests themselves run on two processes already."""
CaseId = str


def in_threads(environment: str) -> Parameters:
    """An environment of the embedded platform, hosted in one process."""
    parameters = load(environment)
    assert isinstance(parameters.target, EmbeddedTarget)
    target = parameters.target.model_copy(update={"isolation": Isolation.THREAD})
    return parameters.model_copy(update={"target": target})


def results_of(plans: list[Plan]) -> dict[tuple[CaseId, frozenset[str]], list[TrialResult]]:
    found: dict[tuple[CaseId, frozenset[str]], list[TrialResult]] = {}
    results = iter(run_plans(plans, jobs=JOBS))
    for plan in plans:
        found[plan.case_id, plan.defects] = [next(results) for _ in range(plan.count)]
    return found


@pytest.fixture(scope="module")
def as_reported() -> dict[tuple[CaseId, frozenset[str]], list[TrialResult]]:
    parameters = in_threads("as_reported")
    return results_of(
        [Plan(case, parameters, defects_for(parameters, case), 1, TRIALS) for case in CASES]
    )


@pytest.fixture(scope="module")
def remediated() -> dict[tuple[CaseId, frozenset[str]], list[TrialResult]]:
    parameters = in_threads("remediated")
    return results_of([Plan(case, parameters, frozenset(), 1, TRIALS) for case in CASES])


@pytest.fixture(scope="module")
def each_defect_alone() -> dict[tuple[CaseId, frozenset[str]], list[TrialResult]]:
    parameters = in_threads("as_reported")
    return results_of(
        [
            Plan(defect.case, parameters, frozenset({defect.id}), 1, 1)
            for defect in CATALOGUE.values()
            if len(defects_of(defect.case)) > 1
        ]
    )


@pytest.mark.parametrize("case", CASES)
def test_as_reported_every_trial_fails_with_the_findings_that_the_case_is_about(
    case: CaseId, as_reported: dict[tuple[CaseId, frozenset[str]], list[TrialResult]]
) -> None:
    defects = frozenset(defects_of(case))
    wanted = {CATALOGUE[name].finding_code for name in defects}
    trials = as_reported[case, defects]
    assert len(trials) == TRIALS
    for trial in trials:
        assert trial.verdict.outcome is Outcome.FAIL, trial.verdict.reason
        assert wanted <= set(trial.verdict.findings), trial.verdict.reason


@pytest.mark.parametrize("case", CASES)
def test_remediated_every_trial_passes(
    case: CaseId, remediated: dict[tuple[CaseId, frozenset[str]], list[TrialResult]]
) -> None:
    trials = remediated[case, frozenset()]
    assert len(trials) == TRIALS
    for trial in trials:
        assert trial.verdict.outcome is Outcome.PASS, trial.verdict.reason


@pytest.mark.parametrize("defect", CATALOGUE)
def test_a_defect_alone_is_found_by_the_case_that_is_about_it(
    defect: str,
    as_reported: dict[tuple[CaseId, frozenset[str]], list[TrialResult]],
    each_defect_alone: dict[tuple[CaseId, frozenset[str]], list[TrialResult]],
) -> None:
    entry = CATALOGUE[defect]
    trial, *_ = {**as_reported, **each_defect_alone}[entry.case, frozenset({defect})]
    assert trial.verdict.outcome is Outcome.FAIL, trial.verdict.reason
    assert entry.finding_code in trial.verdict.findings, trial.verdict.reason
