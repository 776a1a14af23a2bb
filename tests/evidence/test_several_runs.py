"""Several runs: compared, and their failure patterns written down."""

import json
from pathlib import Path

import pytest

from gp_helpers.evidence import (
    NotARunError,
    finalise,
    patterns,
    read_run,
    trend,
)
from gp_helpers.evidence.rechecking import read_rechecked
from gp_helpers.plan import UnknownNameError
from gp_helpers.platform.defects.catalogue import CATALOGUE
from tests.evidence import tiny_checks
from tests.evidence.stories import CASE, OTHER, a_run, rewrite, run_with


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotARunError, match="no such folder"):
        trend(tmp_path / "nowhere")
    with pytest.raises(NotARunError, match="no such file or folder"):
        read_run(tmp_path / "nowhere")


def test_the_failure_patterns_of_a_suite(tmp_path: Path) -> None:
    final = finalise(a_run(tmp_path, statuses=(401, 200), trials=2))
    ((suite, text),) = patterns(final.path).items()
    assert suite == "auth"
    assert text == (
        "# Failure patterns: Auth token cascades\n\n"
        "Run `run-1`, environment `as_reported`.\n\n"
        "## One token, read differently at every hop (`auth.validation_cascade`)\n\n"
        "- **Symptom:** NOT_ANSWERED: status 401\n"
        "- **Expected symptom:** 401 on one REST route and a refused handshake for a token that "
        "the auth service accepts\n"
        "- **First disagreement:** ada asks, and the platform says no\n"
        "- **Findings:** `NOT_ANSWERED`\n"
        "- **Mechanism:** not in the catalogue of defects\n"
        "- **Failure rate:** 1 of 2 (50%; 95% interval 1.3% to 98.7%)\n"
        "- **Run it again:** `golden-path run --env as_reported --case auth.validation_cascade "
        "--seed 1176`\n\n"
        "## Not observed\n\n"
        "- `auth.timing`: 1 of 2 trials were made, all passed\n"
    )


def test_a_pattern_tells_mechanism_and_remedy_from_the_catalogue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    defect = next(one for one in CATALOGUE.values() if one.case == CASE)
    code = defect.finding_code
    assert tiny_checks.FINDING == "NOT_ANSWERED"
    monkeypatch.setattr(tiny_checks, "FINDING", code)
    text = patterns(a_run(tmp_path), ["auth"])["auth"]
    assert f"- **Mechanism** (`{code}`): {defect.mechanism}" in text
    assert f"- **Remedy:** {defect.remedy}" in text


def test_a_pattern_tells_which_other_cases_defect_is_on_and_breaks_this_one(
    tmp_path: Path,
) -> None:
    defect = next(one for one in CATALOGUE.values() if CASE in one.also_breaks)
    target = {"kind": "embedded", "wiring": {"defects": [defect.id]}}
    text = patterns(a_run(tmp_path, target=target), ["auth"])["auth"]
    assert (
        f"- **Mechanism** (`{defect.id}`, which is on: a defect of `{defect.case}` that breaks "
        f"this too): {defect.mechanism}"
    ) in text
    assert f"- **Remedy:** {defect.remedy}" in text
    assert "not in the catalogue" not in text


def test_a_suite_that_is_none_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean auth"):
        patterns(a_run(tmp_path), ["aut"])


def header_without_limits(lines: list[str]) -> list[str]:
    header = json.loads(lines[0])
    header["data"]["thresholds"] = {"case_seconds": 600.0}
    return [json.dumps(header) + "\n", *lines[1:]]


def test_without_its_manifest_an_edited_run_differs_still(tmp_path: Path) -> None:
    run = run_with(tmp_path, "edited", auth__timing=200)
    rewrite(run / "histories" / f"{OTHER}.trial.1.jsonl", header_without_limits)
    (run / "manifest.json").unlink()
    [told] = read_rechecked(run).differences
    assert "line 1: thresholds is stated as" in told
    (run / "histories" / "nonsense.jsonl").write_text("{}\n")
    assert "histories/nonsense.jsonl: does not name a case" in read_rechecked(run).differences
    assert trend(tmp_path, rechecked=True).runs == 0


def test_a_run_with_a_manifest_and_no_verdicts_differs(tmp_path: Path) -> None:
    run = run_with(tmp_path, "edited", auth__timing=200)
    (run / "verdicts.json").write_text("{}")
    assert any("verdicts.json" in told for told in read_rechecked(run).differences)


def test_a_run_that_was_killed_anywhere_in_a_trial_differs_in_nothing(tmp_path: Path) -> None:
    run = a_run(tmp_path, run_id="killed")
    for path in sorted((run / "histories").iterdir()):
        whole = path.read_bytes()
        for end in (0, 1, whole.index(b"\n"), whole.index(b"\n") + 1, len(whole) - 1):
            path.write_bytes(whole[:end])
            assert read_rechecked(run).differences == (), (path.name, end)
        path.write_bytes(whole)
