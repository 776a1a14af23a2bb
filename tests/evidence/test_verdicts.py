"""From histories to a run's verdicts: nothing is a pass unless it was observed, often enough."""

import json
from pathlib import Path
from statistics import fmean

import jsonschema
import pytest

from gp_helpers.checkers import Claim, ClaimState, Outcome, Verdict
from gp_helpers.evidence import ExitStatus, Expected, RunFolder, exit_status, expected_of, finalise
from gp_helpers.evidence.averages import average_of
from gp_helpers.parameters import Parameters
from gp_helpers.plan import CASES, THRESHOLDS
from gp_helpers.platform.defects.catalogue import CATALOGUE
from tests.evidence.stories import CASE, OTHER, a_run, loaded, parameters, rewrite, tell

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "gp_helpers" / "evidence" / "verdicts.schema.json"


def case_of(run: Path, case: str = CASE) -> dict:  # type: ignore[type-arg]
    return next(one for one in finalise(run).verdicts["cases"] if one["case"] == case)


def a_run_with(tmp_path: Path, *ends: tuple[int, str | None], trials: int = 1) -> Path:
    with RunFolder.create(
        tmp_path, parameters(trials=trials), environment="e", run_id="run"
    ) as run:
        for number, (status, end) in enumerate(ends, start=1):
            tell(run, status=status, number=number, end=end)
    return run.path


def test_a_failure_is_told_with_its_finding_its_claims_and_where_they_parted(
    tmp_path: Path,
) -> None:
    case = case_of(a_run(tmp_path))
    trial = case["trials"][0]
    assert (case["outcome"], case["findings"], case["met"]) == ("fail", ["NOT_ANSWERED"], False)
    assert case["reason"] == "NOT_ANSWERED: status 401"
    assert trial["history"] == f"histories/{CASE}.trial.1.jsonl"
    assert [claim["state"] for claim in trial["claims"]] == ["held", "violated", "held"]
    assert trial["first_disagreement"] == {
        "left": 3,
        "right": 4,
        "description": "ada asks, and the platform says no",
    }
    assert trial["first_divergence"]["ours"] == trial["first_divergence"]["theirs"] == 4
    assert (trial["has_contrast"], trial["unfinished"], trial["seed"]) == (True, None, 1176)


@pytest.mark.parametrize(
    ("ends", "wanted", "outcome", "reason"),
    [
        ([(200, "completed")], 1, "pass", "3 claims held"),
        ([(200, "completed")] * 3, 3, "pass", "all 3 trials passed"),
        ([(200, "completed")] * 2, 3, "inconclusive", "2 of 3 trials were made, all passed"),
        ([(200, "completed"), (500, "completed")], 2, "fail", "1 of 2 trials; the first: NOT_ANSW"),
        ([(200, None)], 1, "inconclusive", "within_time was not observed"),
        ([(200, "interrupted")], 1, "inconclusive", "the trial did not come to its end"),
        ([(200, "failed")], 1, "error", ": None"),
        ([(200, "interrupted"), (200, "completed")], 1, "pass", "3 claims held"),
        ([(500, "interrupted"), (200, "completed")], 1, "fail", "1 of 2 trials"),
        ([(200, "completed"), (200, None)], 1, "inconclusive", "1 of 2 trials"),
        ([], 1, "inconclusive", "not reached: there is no history of it"),
    ],
)
def test_a_case_is_as_good_as_its_worst_trial(
    ends: list[tuple[int, str | None]], wanted: int, outcome: str, reason: str, tmp_path: Path
) -> None:
    case = case_of(a_run_with(tmp_path, *ends, trials=wanted))
    assert case["outcome"] == outcome
    assert reason in case["reason"]


def test_the_rate_has_its_interval_and_says_what_it_supports(tmp_path: Path) -> None:
    few = case_of(a_run_with(tmp_path / "few", *[(200, "completed")] * 20, trials=20))["success"]
    assert (few["passed"], few["trials"], few["supports_threshold"]) == (20, 20, False)
    assert few["lower_one_sided"] == pytest.approx(0.860892)
    enough = case_of(a_run_with(tmp_path / "many", *[(200, "completed")] * 59, trials=59))[
        "success"
    ]
    assert enough["supports_threshold"] is True


def test_the_average_is_held_against_the_plans_limit(tmp_path: Path) -> None:
    case = case_of(a_run_with(tmp_path, *[(200, "completed")] * 2, trials=2))
    average = case["average"]
    assert (average["threshold"], average["limit"], average["trials"]) == (
        "case_seconds_mean",
        THRESHOLDS["case_seconds_mean"].limit,
        2,
    )
    assert average["within"] is True
    assert average["seconds"] == pytest.approx(
        fmean(one["claims"][-1]["measured"]["seconds"] for one in case["trials"]), abs=1e-3
    )


def test_an_average_above_the_limit_is_told_and_turns_no_verdict(tmp_path: Path) -> None:
    run = a_run_with(tmp_path, (200, "completed"))

    def slow(lines: list[str]) -> list[str]:
        return [
            line.replace('"case_seconds_mean":5.0', '"case_seconds_mean":0.0') for line in lines
        ]

    rewrite(run / "histories" / f"{CASE}.trial.1.jsonl", slow)
    case = case_of(run)
    assert (case["average"]["limit"], case["average"]["within"]) == (0.0, False)
    assert case["outcome"] == "pass"


def test_an_unreadable_history_is_an_error_that_names_the_line(tmp_path: Path) -> None:
    run = a_run(tmp_path)
    rewrite(run / "histories" / f"{CASE}.trial.1.jsonl", lambda lines: lines[:3] + lines[4:])
    case = case_of(run)
    assert case["outcome"] == "error"
    assert case["reason"] == (
        f"histories/{CASE}.trial.1.jsonl, line 4: entry 4 stands where 3 belongs"
    )


@pytest.mark.parametrize(
    "header",
    [
        {"case": "auth.timing"},
        {"case": 7},
        {"thresholds": [1]},
        {"optional_claims": 3},
        {"components": 3},
        {"components": [["auth"], {}]},
        {"wall": "yesterday"},
        {"seed": {"a": 1}},
    ],
)
def test_a_damaged_header_is_never_a_traceback(header: dict, tmp_path: Path) -> None:  # type: ignore[type-arg]
    run = a_run(tmp_path, statuses=(200,))

    def damage(lines: list[str]) -> list[str]:
        first = json.loads(lines[0])
        first["data"] |= header
        return [json.dumps(first) + "\n", *lines[1:]]

    rewrite(run / "histories" / f"{CASE}.trial.1.jsonl", damage)
    outcome = case_of(run)["outcome"]
    assert outcome == ("pass" if header.keys() & {"wall", "seed"} else "error")


@pytest.mark.parametrize("statuses", [(401,), (200, 500), ()])
def test_the_document_follows_its_published_schema(
    statuses: tuple[int, ...], tmp_path: Path
) -> None:
    final = finalise(a_run(tmp_path, statuses=statuses, trials=2))
    schema = loaded(SCHEMA)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(loaded(final.path / "verdicts.json"))
    changed = loaded(final.path / "verdicts.json")
    changed["cases"][0]["outcome"] = "green"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema).validate(changed)


def test_the_schema_in_the_documentation_is_the_packages() -> None:
    assert (ROOT / "docs" / "verdicts.schema.json").read_bytes() == SCHEMA.read_bytes()


def with_wiring(wiring: object, expectation: str = "reproduce") -> Parameters:
    return parameters(target={"kind": "embedded", "wiring": wiring}, expectation=expectation)


def test_as_reported_each_case_with_defects_is_expected_to_fail_with_one_of_their_codes() -> None:
    for case in CASES:
        codes = {defect.finding_code for defect in CATALOGUE.values() if defect.case == case}
        expected = expected_of(case, with_wiring("as_reported"))
        assert set(expected.findings) == codes
        assert expected.outcome is (Outcome.FAIL if codes else Outcome.PASS)


def test_what_other_wirings_and_expectations_expect() -> None:
    defect = CATALOGUE["auth.prefix_cache"]
    assert expected_of(CASE, with_wiring("remediated")) == Expected(Outcome.PASS)
    assert expected_of(CASE, with_wiring("as_reported", "pass")) == Expected(Outcome.PASS)
    assert expected_of(CASE, with_wiring("as_reported", "none")) == Expected(None)
    assert expected_of(CASE, with_wiring("all_defects")) == Expected(Outcome.FAIL)
    listed = with_wiring({"defects": [defect.id]})
    assert expected_of(defect.case, listed) == Expected(Outcome.FAIL, (defect.finding_code,))
    untouched = next(
        case for case in CASES if case != defect.case and case not in defect.also_breaks
    )
    assert expected_of(untouched, listed) == Expected(Outcome.PASS)
    for case in defect.also_breaks:
        assert expected_of(case, listed) == Expected(None)


@pytest.mark.parametrize(
    ("expected", "outcome", "findings", "met"),
    [
        (Expected(None), Outcome.FAIL, ("A",), None),
        (Expected(Outcome.PASS), Outcome.PASS, (), True),
        (Expected(Outcome.PASS), Outcome.FAIL, ("A",), False),
        (Expected(Outcome.FAIL, ("A", "B")), Outcome.FAIL, ("B", "A", "C"), True),
        (Expected(Outcome.FAIL, ("A", "B")), Outcome.FAIL, ("B", "C"), False),
        (Expected(Outcome.FAIL, ("A",)), Outcome.FAIL, ("TOO_SLOW",), False),
        (Expected(Outcome.FAIL), Outcome.FAIL, ("TOO_SLOW",), True),
        (Expected(Outcome.FAIL, ("A",)), Outcome.INCONCLUSIVE, (), False),
    ],
)
def test_when_an_expectation_is_met(
    expected: Expected, outcome: Outcome, findings: tuple[str, ...], met: bool | None
) -> None:
    assert expected.is_met_by(outcome, findings) is met
    assert Expected.from_json(expected.to_json()) == expected


@pytest.mark.parametrize(
    ("cases", "interrupted", "status"),
    [
        ([("pass", True), ("fail", True)], False, ExitStatus.MET),
        ([("pass", None), ("fail", None)], False, ExitStatus.MET),
        ([("pass", True), ("inconclusive", False)], False, ExitStatus.INCONCLUSIVE),
        ([("inconclusive", None)], False, ExitStatus.INCONCLUSIVE),
        ([], False, ExitStatus.INCONCLUSIVE),
        ([("fail", False), ("inconclusive", False)], False, ExitStatus.NOT_MET),
        ([("pass", False)], False, ExitStatus.NOT_MET),
        ([("error", False), ("fail", False)], False, ExitStatus.BROKEN),
        ([("error", False)], True, ExitStatus.INTERRUPTED),
    ],
)
def test_the_exit_status_is_the_worst_that_the_verdicts_stand_for(
    cases: list[tuple[str, bool | None]], interrupted: bool, status: ExitStatus
) -> None:
    verdicts = {
        "interrupted": interrupted,
        "cases": [{"outcome": outcome, "met": met, "trials": []} for outcome, met in cases],
    }
    assert exit_status(verdicts) is status


def test_an_interrupted_run_says_so(tmp_path: Path) -> None:
    final = finalise(a_run(tmp_path), reason="SIGINT after 3 s", interrupted=True)
    assert final.verdicts["partial"] == "SIGINT after 3 s"
    assert final.status is ExitStatus.INTERRUPTED
    assert finalise(final.path).verdicts["partial"] == "SIGINT after 3 s"


def test_a_case_that_was_run_without_being_selected_is_not_hidden(tmp_path: Path) -> None:
    with RunFolder.create(tmp_path, parameters(cases=[CASE]), environment="e", run_id="run") as run:
        tell(run)
        tell(run, OTHER, status=500)
    final = finalise(run.path)
    assert [case["case"] for case in final.verdicts["cases"]] == [CASE, OTHER]
    assert OTHER not in {one["case"] for one in final.verdicts["not_selected"]}


@pytest.mark.parametrize("stated", [10**400, float("inf"), float("nan"), "5", None, True])
def test_a_limit_that_is_no_finite_number_is_ignored(stated: object) -> None:
    claim = Claim("within_time", "", ClaimState.HELD, (1,), measured={"seconds": 4.0})
    verdict = Verdict(CASE, Outcome.PASS, "all held", (claim,))
    header = {"thresholds": {"case_seconds_mean": stated}}
    average = average_of(CASE, [(header, verdict)])
    assert (average["limit"], average["within"]) == (5.0, True)
    following = {"thresholds": {"case_seconds_mean": 3}}
    average = average_of(CASE, [(header, verdict), (following, verdict)])
    assert (average["limit"], average["within"]) == (3.0, False)
