"""Several trials of a case: the notebook and the evidence conclude the same of them."""

import json
from itertools import product
from typing import Any

import pytest

from gp_helpers.checkers import Claim, ClaimState, Outcome, Verdict
from gp_helpers.evidence import ExitStatus, exit_status, expected_of
from gp_helpers.evidence.trial_results import TrialResult
from gp_helpers.evidence.verdicts import assemble
from gp_helpers.parameters import Parameters, validate
from gp_helpers.platform.defects.catalogue import CATALOGUE, defects_of
from gp_helpers.workbook.conclusions import Conclusion, Ended, conclude

CASE = "auth.context_isolation"
CODES = sorted({CATALOGUE[name].finding_code for name in defects_of(CASE)})
PASS, FAIL = Outcome.PASS, Outcome.FAIL
INCONCLUSIVE, ERROR = Outcome.INCONCLUSIVE, Outcome.ERROR

REPRODUCED = (FAIL, tuple(CODES), True)
HALF, OTHER_HALF = (FAIL, (CODES[0],), True), (FAIL, tuple(CODES[1:]), True)
PASSED, UNSEEN, BROKE = (PASS, (), True), (INCONCLUSIVE, (), True), (ERROR, (), True)
Shown = tuple[Outcome, tuple[str, ...], bool]


def given_up(shown: Shown) -> Shown:
    return shown[0], shown[1], False


def expecting(expectation: str, **stated: Any) -> Parameters:
    return validate({"expectation": expectation, "cases": [CASE], **stated}, source="here")


def verdict_of(shown: Shown, seconds: float | None = None) -> Verdict:
    claims = [Claim(code, "", ClaimState.VIOLATED, (1,), code) for code in shown[1]]
    if seconds is not None:
        measured = {"seconds": seconds, "waited_for_silence_s": 30.0}
        claims.append(Claim("within_time", "", ClaimState.HELD, (1,), measured=measured))
    return Verdict(CASE, shown[0], "because", tuple(claims), seconds=40.0)


def concluded(trials: list[Shown], parameters: Parameters) -> Conclusion:
    ended = [
        Ended(number, number, "a history", verdict_of(shown), counts=shown[2])
        for number, shown in enumerate(trials, start=1)
    ]
    return conclude(CASE, ended, parameters)


def document(
    trials: list[Shown], parameters: Parameters, seconds: float | None = None
) -> dict[str, Any]:
    results = [
        TrialResult(
            f"histories/{CASE}.trial.{number}.jsonl", CASE, "trial", number,
            verdict_of(shown, seconds), unfinished=None if shown[2] else "was interrupted",
        )
        for number, shown in enumerate(trials, start=1)
    ]  # fmt: skip
    environment = {
        "selected": [CASE], "run": "run", "environment": "e", "trials": parameters.trials,
        "expectation": parameters.expectation.value, "started": "2026-11-22T20:00:00+00:00",
        "expected": {CASE: expected_of(CASE, parameters).to_json()},
    }  # fmt: skip
    return assemble(environment, results, {})


@pytest.mark.parametrize(
    ("expectation", "trials", "met", "status"),
    [
        ("reproduce", [REPRODUCED, REPRODUCED], True, ExitStatus.MET),
        ("reproduce", [REPRODUCED, PASSED], False, ExitStatus.NOT_MET),
        ("reproduce", [REPRODUCED, UNSEEN], False, ExitStatus.INCONCLUSIVE),
        ("reproduce", [REPRODUCED, UNSEEN, PASSED], False, ExitStatus.NOT_MET),
        ("reproduce", [HALF, OTHER_HALF], False, ExitStatus.NOT_MET),
        ("reproduce", [given_up(REPRODUCED), PASSED], False, ExitStatus.NOT_MET),
        ("reproduce", [given_up(REPRODUCED), UNSEEN], False, ExitStatus.INCONCLUSIVE),
        ("reproduce", [given_up(HALF), REPRODUCED], True, ExitStatus.MET),
        ("reproduce", [given_up(BROKE), REPRODUCED], False, ExitStatus.BROKEN),
        ("reproduce", [given_up(UNSEEN), REPRODUCED], True, ExitStatus.MET),
        ("reproduce", [REPRODUCED, given_up(UNSEEN)], False, ExitStatus.INCONCLUSIVE),
        ("pass", [PASSED, PASSED], True, ExitStatus.MET),
        ("pass", [PASSED, UNSEEN], False, ExitStatus.INCONCLUSIVE),
        ("pass", [HALF, UNSEEN], False, ExitStatus.NOT_MET),
        ("pass", [given_up(HALF), PASSED], False, ExitStatus.NOT_MET),
        ("pass", [given_up(BROKE), PASSED], False, ExitStatus.BROKEN),
        ("none", [HALF, PASSED], None, ExitStatus.MET),
        ("none", [HALF, UNSEEN], None, ExitStatus.INCONCLUSIVE),
    ],
)
def test_every_trial_that_counts_has_to_be_as_expected(
    expectation: str, trials: list[Shown], met: bool | None, status: ExitStatus
) -> None:
    parameters = expecting(expectation, trials=len(trials) if expectation == "none" else 1)
    derived = document(trials, parameters)
    assert derived["cases"][0]["met"] is met
    assert exit_status(derived) is status
    assert exit_status(json.loads(json.dumps(derived))) is status
    assert concluded(trials, parameters).met.met is (met is not False)


def test_notebook_and_evidence_never_differ() -> None:
    kinds = (REPRODUCED, HALF, PASSED, UNSEEN, BROKE)
    every = [*kinds, *map(given_up, kinds)]
    for expectation, count in product(("reproduce", "pass", "none"), (1, 2, 3)):
        parameters = expecting(expectation)
        for trials in product(every, repeat=count):
            case = document(list(trials), parameters)["cases"][0]
            told = concluded(list(trials), parameters)
            assert case["outcome"] == told.outcome.value, trials
            assert (case["met"] is not False) is told.met.met, trials


def test_the_notebooks_average_is_that_of_the_evidence() -> None:
    parameters = expecting("none", thresholds={"case_seconds_mean": 2.5})
    trials = [
        Ended(number, number, "a history", verdict_of(PASSED, seconds))
        for number, seconds in enumerate((1.0, 2.0), start=1)
    ]
    told = conclude(CASE, trials, parameters).average
    assert told == "1.50 s on average (case_seconds_mean: 2.5 s)"


def test_without_a_trial_nothing_was_measured() -> None:
    told = conclude(CASE, [], expecting("none")).average
    assert told == "nothing measured (case_seconds_mean: 5 s)"
