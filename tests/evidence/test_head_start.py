"""What was done before a run's end saves work and changes nothing, whatever happened since."""

import shutil
from pathlib import Path

import nbformat
import pytest

from gp_helpers.evidence import Finalised, HeadStart, RunFolder, finalise, head_start
from gp_helpers.evidence.trial_results import judged_pair
from tests.evidence.stories import CASE, OTHER, a_run

NOTEBOOK = "01_auth_token_cascades.ipynb"
LEAKED = "canary-key-51ab09ffe2"


def with_a_head_start(run: Path) -> HeadStart:
    cell = nbformat.v4.new_code_cell("1 + 1", execution_count=1)
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), run / NOTEBOOK)
    begun = HeadStart()
    begun.take(RunFolder.join(run), run / NOTEBOOK, [CASE, OTHER])
    return begun


def contents(final: Finalised) -> dict[str, bytes]:
    """The files that are made of the others."""
    return {
        path.name: path.read_bytes()
        for path in final.path.iterdir()
        if path.is_file() and path.name not in ("environment.json", "manifest.json")
    }


def outcome_of(final: Finalised, case: str) -> str:
    return next(one["outcome"] for one in final.verdicts["cases"] if one["case"] == case)


def test_a_run_is_the_same_with_a_head_start_and_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = a_run(tmp_path / "one" / "outputs")
    begun = with_a_head_start(run)
    shutil.copytree(run, tmp_path / "other" / "outputs" / run.name)
    without = finalise(tmp_path / "other" / "outputs" / run.name)
    judged: list[str] = []
    monkeypatch.setattr(
        head_start, "judged_pair", lambda one: (judged.append(one.name), judged_pair(one))[1]
    )
    final = finalise(run, head_start=begun)
    assert judged == []
    ended = {"index.html", "verdicts.json"}  # they tell when the run ended
    ours, theirs = contents(final), contents(without)
    assert ours.keys() == theirs.keys()
    assert {name for name in ours if ours[name] != theirs[name]} <= ended
    assert outcome_of(final, CASE) == outcome_of(without, CASE) == "fail"


def test_a_history_that_has_changed_since_is_judged_as_it_is(tmp_path: Path) -> None:
    run = a_run(tmp_path / "outputs")
    begun = with_a_head_start(run)
    changed = run / "histories" / f"{CASE}.trial.1.jsonl"
    changed.write_bytes(changed.read_bytes().replace(b'"status":401', b'"status":200'))
    final = finalise(run, head_start=begun)
    assert outcome_of(final, CASE) == "pass"
    traffic = (run / "traffic.har").read_bytes()
    finalise(run)
    assert traffic == (run / "traffic.har").read_bytes()


def test_a_secret_that_came_since_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY_API_KEY", LEAKED)
    run = a_run(tmp_path / "outputs")
    begun = with_a_head_start(run)
    (run / "logs" / CASE / "backend-1.log").write_text(f"key {LEAKED}\n")
    final = finalise(run, head_start=begun)
    assert {one.file for one in final.scan.findings} == {f"logs/{CASE}/backend-1.log"}


def test_what_a_head_start_did_not_look_for_is_looked_for(tmp_path: Path) -> None:
    run = a_run(tmp_path / "outputs")
    (run / "logs" / CASE / "backend-1.log").write_text(f"key {LEAKED}\n")
    begun = with_a_head_start(run)
    final = finalise(run, head_start=begun, canaries=[LEAKED])
    assert {one.file for one in final.scan.findings} == {f"logs/{CASE}/backend-1.log"}
