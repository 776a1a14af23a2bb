"""Two runs, compared: what became of each case, what the runs differ in, and which are believed."""

import dataclasses
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from gp_helpers.checkers import Outcome
from gp_helpers.cli.main import main
from gp_helpers.evidence import (
    Change,
    Comparison,
    ExitStatus,
    RunFolder,
    bundle,
    compare,
)
from gp_helpers.parameters import load
from tests.evidence.stories import OTHER, forged, parameters, rewrite, run_with, tell


@pytest.fixture
def compared(tmp_path: Path) -> Comparison:
    before = run_with(
        tmp_path, "before", auth__validation_cascade=500, auth__timing=200, routing__priority=500,
        auth__context_isolation=200, auth__error_amplification=500, factory__lifecycle=200,
    )  # fmt: skip
    after = run_with(
        tmp_path, "after", auth__validation_cascade=200, auth__timing=500, routing__priority=500,
        auth__context_isolation=200, auth__error_amplification=None, journey__login_to_answer=200,
    )  # fmt: skip
    return compare(before, after)


def test_what_became_of_each_case(compared: Comparison) -> None:
    assert {one.case: one.change for one in compared.cases} == {
        "auth.validation_cascade": Change.FIXED,
        "auth.timing": Change.BROKEN,
        "auth.context_isolation": Change.STILL_PASSING,
        "auth.error_amplification": Change.UNDECIDED,
        "routing.priority": Change.STILL_FAILING,
        "factory.lifecycle": Change.ONLY_BEFORE,
        "journey.login_to_answer": Change.ONLY_AFTER,
    }
    (fixed,) = compared.of(Change.FIXED)
    assert (fixed.before, fixed.after) == (Outcome.FAIL, Outcome.PASS)
    assert (fixed.findings_before, fixed.findings_after) == (("NOT_ANSWERED",), ())
    assert compared.status == 1


@pytest.mark.parametrize(
    ("before", "after", "status"),
    [(500, 200, 0), (500, 500, 0), (200, 200, 0), (200, 500, 1), (200, None, 2), (None, 200, 2)],
)
def test_the_status_of_a_comparison(
    before: int | None, after: int | None, status: int, tmp_path: Path
) -> None:
    one = run_with(tmp_path, "one", auth__timing=before)
    other = run_with(tmp_path, "other", auth__timing=after)
    assert compare(one, other).status == status


def test_a_bundle_and_a_run_that_died_are_compared_too(tmp_path: Path) -> None:
    packed = bundle(run_with(tmp_path, "one", auth__timing=500)).path
    with RunFolder.create(
        tmp_path, parameters(cases=[OTHER]), environment="e", run_id="died"
    ) as run:
        tell(run, OTHER)
    found = compare(packed, run.path)
    assert [one.change for one in found.cases] == [Change.FIXED]
    assert (found.before.is_final, found.after.is_final) == (True, False)


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [(1.0, 1.1, False), (1.0, 2.0, True), (2.0, 1.0, True), (0.01, 0.2, False), (None, 1.0, False)],
)
def test_a_changed_timing_is_more_than_noise(
    before: float | None, after: float | None, changed: bool, tmp_path: Path
) -> None:
    one = run_with(tmp_path, "one", auth__timing=200)
    (case,) = compare(one, one).cases
    case = dataclasses.replace(case, seconds_before=before, seconds_after=after)
    assert case.has_changed_timing is changed


def test_a_comparison_believes_what_was_recorded_unless_it_checks_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = run_with(tmp_path, "before", auth__timing=500)
    after = forged(run_with(tmp_path, "after", auth__timing=500))
    assert [one.change for one in compare(before, after).cases] == [Change.FIXED]
    assert main(["compare", str(before), str(after)]) == 0
    assert "not derived again" in capsys.readouterr().out
    assert main(["compare", "--recheck", str(before), str(after)]) == 1
    told = capsys.readouterr()
    assert "not derived again" not in told.out
    assert "still failing" in told.out
    assert f"differs: {after}: verdicts.json: {OTHER}: outcome is recorded as" in told.err
    honest = run_with(tmp_path, "honest", auth__timing=200)
    assert main(["compare", "--recheck", str(before), str(honest)]) == 0


def damaged_history(run: Path) -> None:
    rewrite(run / "histories" / f"{OTHER}.trial.1.jsonl", lambda lines: lines[:-1])


def missing_history(run: Path) -> None:
    (run / "histories" / f"{OTHER}.trial.1.jsonl").unlink()


def broken_verdicts(run: Path) -> None:
    (run / "verdicts.json").write_text('{"cases": [{}]}')


def changed_environment(run: Path) -> None:
    rewrite(run / "environment.json", lambda lines: [*lines, "\n"])


def broken_manifest(run: Path) -> None:
    (run / "manifest.json").write_text("{")


def edited_manifest(run: Path) -> None:
    path = run / "manifest.json"
    path.write_text(path.read_text().replace('"run": "after"', '"run": "other"'))


@pytest.mark.parametrize(
    ("damage", "file"),
    [
        (edited_manifest, "manifest.json"),
        (damaged_history, f"histories/{OTHER}.trial.1.jsonl"),
        (missing_history, f"histories/{OTHER}.trial.1.jsonl"),
        (broken_verdicts, "verdicts.json"),
        (changed_environment, "environment.json"),
        (broken_manifest, "manifest.json"),
    ],
)
@pytest.mark.parametrize("more", [[], ["--recheck"]])
def test_a_visibly_damaged_run_is_not_believed(
    damage: Callable[[Path], None],
    file: str,
    more: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = run_with(tmp_path, "before", auth__timing=500)
    after = run_with(tmp_path, "after", auth__timing=200)
    assert main(["compare", str(before), str(after), *more]) == 0
    damage(after)
    capsys.readouterr()
    assert main(["compare", str(before), str(after), *more]) == ExitStatus.NOT_MET
    assert f"differs: {after}: {file}" in capsys.readouterr().err


def test_what_only_shows_a_verdict_may_have_been_saved_again(tmp_path: Path) -> None:
    before = run_with(tmp_path, "before", auth__timing=500)
    after = run_with(tmp_path, "after", auth__timing=200)
    (after / "index.html").write_text("<p>seen</p>")
    (after / "new.ipynb").write_text("{}")
    assert main(["compare", str(before), str(after)]) == ExitStatus.MET
    assert main(["compare", "--recheck", str(before), str(after)]) == ExitStatus.NOT_MET


@pytest.mark.parametrize("more", [[], ["--recheck"]])
def test_a_run_that_was_never_finished_leaves_a_comparison_undecided(
    more: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = run_with(tmp_path, "before", auth__timing=500)
    after = run_with(tmp_path, "after", auth__timing=200)
    (after / "manifest.json").unlink()
    assert main(["compare", str(before), str(after), *more]) == ExitStatus.INCONCLUSIVE
    told = capsys.readouterr().out
    assert "PARTIAL: after: it was not finished: there is no manifest.json" in told
    assert "1 fixed" in told


@pytest.mark.parametrize(("status", "expected"), [(200, 0), (500, 1), (None, 2)])
def test_what_only_the_second_run_has_counts_too(
    status: int | None, expected: int, tmp_path: Path
) -> None:
    before = run_with(tmp_path, "before", auth__timing=200)
    after = run_with(tmp_path, "after", auth__timing=200, auth__validation_cascade=status)
    assert compare(before, after).status == expected


def test_a_new_case_that_is_inconclusive_leaves_a_comparison_undecided(tmp_path: Path) -> None:
    one = run_with(tmp_path, "one", auth__timing=200)
    compared = compare(one, one)
    [case] = compared.cases
    new = dataclasses.replace(
        case, change=Change.ONLY_AFTER, before=None, after=Outcome.INCONCLUSIVE
    )
    assert dataclasses.replace(compared, cases=(case, new)).status == ExitStatus.INCONCLUSIVE


REMEDIATED = {"kind": "embedded", "wiring": "remediated"}


@pytest.mark.parametrize(
    ("before", "after", "notes"),
    [
        ({}, {"target": REMEDIATED, "expectation": "pass"}, ()),
        ({}, {"seed": 7, "trials": 2}, ("seed 1176, then 7", "trials 1, then 2")),
        ({}, {"thresholds": {"case_seconds": 15}}, ("threshold case_seconds 10, then 15",)),
        (
            {"target": {**REMEDIATED, "wiring": {"defects": ["a.b"]}, "isolation": "thread"}},
            {"target": REMEDIATED},
            ("wiring only a.b, then remediated", "isolation thread, then process"),
        ),
    ],
)
def test_what_runs_differ_in_beside_their_wiring_is_noted(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    notes: tuple[str, ...],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    one = run_with(tmp_path, "one", "before", before, auth__timing=500)
    other = run_with(tmp_path, "other", "after", after, auth__timing=200)
    assert compare(one, other).notes == notes
    main(["compare", str(one), str(other)])
    told = capsys.readouterr().out
    assert [note for note in notes if f"note: not run alike: {note}\n" not in told] == []
    assert told.count("not run alike") == len(notes)


def test_other_cases_and_another_target_are_noted(tmp_path: Path) -> None:
    staging = {key: value for key, value in load("staging").as_json().items() if key != "cases"}
    elsewhere = {**staging, "target": {**staging["target"], "name": "elsewhere"}}
    one = run_with(tmp_path, "one", "e", staging, auth__timing=200)
    other = run_with(tmp_path, "other", "e", elsewhere, auth__timing=200, routing__priority=200)
    embedded = run_with(tmp_path, "embedded", "e", auth__timing=200)
    assert compare(one, other).notes == (
        "target differs in name",
        "cases only after: routing.priority",
    )
    assert compare(other, one).notes[-1] == "cases only before: routing.priority"
    assert compare(embedded, one).notes[0] == "kind of target embedded, then deployment"


def test_a_comparison_for_scripts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = run_with(tmp_path, "before", auth__timing=500)
    after = run_with(tmp_path, "after", stated={"seed": 7}, auth__timing=200)
    slow = json.loads((after / "verdicts.json").read_text())
    slow["cases"][0]["trials"][0]["seconds"] = 60.0
    (after / "verdicts.json").write_text(json.dumps(slow))
    forged(after)
    assert main(["compare", "--json", str(before), str(after)]) == ExitStatus.MET
    told = json.loads(capsys.readouterr().out)
    assert told["before"] == {
        "run": "before",
        "environment": "e",
        "partial": None,
        "differences": [],
    }
    assert told["notes"] == ["seed 1176, then 7"]
    [case] = told["cases"]
    assert (case["case"], case["change"], case["changed_timing"]) == (OTHER, "fixed", True)
    missing_history(after)
    assert main(["compare", "--json", str(before), str(after)]) == ExitStatus.NOT_MET
    told = json.loads(capsys.readouterr().out)
    assert any("missing" in one for one in told["after"]["differences"])
    assert told["cases"][0]["change"] == "undecided"
