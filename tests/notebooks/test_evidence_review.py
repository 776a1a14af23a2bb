"""The review's notebook under stock papermill, on runs that were really made, and on none."""

import json
import shutil
from pathlib import Path

import pytest
from papermill.exceptions import PapermillExecutionError

import gp_helpers
from gp_helpers.cli import main
from gp_helpers.display.html import Html
from gp_helpers.evidence import ExitStatus, bundle, finalise
from gp_helpers.parameters import ParameterError
from gp_helpers.workbook import EvidenceDiffers
from gp_helpers.workbook.review import Review
from tests.evidence.stories import CASE, OTHER, a_run, rewrite
from tests.notebooks.stock import papermill_here
from tools.notebooks import EVIDENCE_REVIEW

VIEWS = ("runs", "trend", "plot", "comparison", "recheck")


def shown_in(executed: Path) -> dict[str, str]:
    """What each cell shows as text, by the cell's name."""
    cells = json.loads(executed.read_text())["cells"]
    return {
        cell["id"]: "".join(
            "".join(output.get("data", {}).get("text/plain", "")) for output in cell["outputs"]
        )
        for cell in cells
        if cell["cell_type"] == "code"
    }


def test_it_follows_compares_and_checks_two_real_runs(tmp_path: Path) -> None:
    outputs = tmp_path / "outputs"
    command = ["run", "--quiet", "--env", "as_reported", "--env", "remediated", "--case", CASE]
    assert main([*command, "--isolation", "thread", "--outputs", str(outputs)]) == ExitStatus.MET
    executed = tmp_path / "executed.ipynb"
    papermill_here(outputs, EVIDENCE_REVIEW, executed, outputs=str(outputs))
    shown = shown_in(executed)
    assert shown["set-up"].startswith("2 runs in ")
    as_reported, remediated = shown["trend"].splitlines()[3:5]
    assert as_reported.startswith("as_reported, isolation thread  ")
    assert f"{CASE}  1     0 of 1  0.0% to 97.5%" in as_reported
    assert remediated.startswith("remediated, isolation thread  ")
    assert f"{CASE}  1     1 of 1  2.5% to 100.0%" in remediated
    assert shown["plot"].startswith("0 of 2 cases support more than 95%")
    assert "image/svg+xml" in executed.read_text()
    assert "-remediated-" in shown["comparison"].partition(", then ")[2]
    assert "1 fixed" in shown["comparison"]
    assert shown["recheck"].count("everything agrees") == 2
    assert shown["conclude"] == "2 of 2 runs were checked again; all agree."


def test_without_any_run_it_says_that_there_is_nothing_yet_and_is_not_green(tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    with pytest.raises(PapermillExecutionError, match="NothingTaken: Nothing yet: nothing was"):
        papermill_here(nowhere, EVIDENCE_REVIEW, tmp_path / "executed.ipynb", outputs=str(nowhere))
    seen = review(nowhere)
    shown = {name: getattr(seen, name)().text for name in VIEWS}
    assert [name for name in VIEWS if not shown[name].startswith("Nothing yet: ")] == []
    assert "`make run` makes two runs" in shown["runs"]


def review(outputs: Path, **stated: object) -> Review:
    return gp_helpers.open_review(outputs=str(outputs), **stated)


def test_an_unknown_or_mistyped_parameter_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="outptus: Extra inputs are not permitted"):
        gp_helpers.open_review(outptus=str(tmp_path))
    with pytest.raises(ParameterError, match="environments: Input should be a valid list"):
        review(tmp_path, environments="as_reported")
    cell = "# Parameters of this notebook\nbefor = 'x'"
    with pytest.raises(ParameterError, match=r"line 2: befor: unknown .* did you mean before\?"):
        gp_helpers.open_review({"In": ["", cell], "befor": "x"})
    with pytest.raises(ParameterError, match="gone: no such run"):
        _ = review(tmp_path, before="gone").before


def test_bundles_are_read_and_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    bundle(finalise(a_run(tmp_path)).path, tmp_path / "theirs" / "handed.zip")
    (tmp_path / "theirs" / "broken.zip").write_text("no zip")
    seen = review(tmp_path / "theirs")
    assert [one.place.name for one in seen.readings] == ["handed.zip"]
    assert "broken.zip: " in seen.runs().text
    assert seen.comparison().text.startswith("Nothing yet: a comparison needs two runs, found 1")
    assert "everything agrees" in seen.recheck().text


def test_runs_that_are_named_are_compared_and_a_killed_one_is_partial(tmp_path: Path) -> None:
    finalise(a_run(tmp_path, run_id="one"))
    a_run(tmp_path, run_id="killed", statuses=(200,))
    seen = review(tmp_path, before="one", after="killed")
    assert seen.comparison().text.startswith("one, then killed: ")
    assert "it was not finished" in seen.runs().text
    plot = seen.plot()
    assert not isinstance(plot, Html)
    assert f"as_reported {OTHER}: " in plot.text


def test_a_run_is_compared_with_no_copy_of_itself(tmp_path: Path) -> None:
    run = finalise(a_run(tmp_path, run_id="one")).path
    shutil.copytree(run, tmp_path / "copy")
    seen = review(tmp_path)
    assert "found 1" in seen.comparison().text
    assert "- one" in seen.trend().text
    finalise(a_run(tmp_path, run_id="two"))
    before, after = review(tmp_path).before, review(tmp_path).after
    assert before is not None
    assert after is not None
    assert (before.identity[0], after.identity[0]) == ("one", "two")


def test_damaged_runs_and_unlike_ones_are_told_beside_the_tables(tmp_path: Path) -> None:
    finalise(a_run(tmp_path, run_id="one"))
    finalise(a_run(tmp_path, run_id="two", seed=7))
    assert "- seed 1176, then 7" in review(tmp_path).comparison().text
    for run in ("one", "two"):
        rewrite(tmp_path / run / "histories" / f"{OTHER}.trial.1.jsonl", lambda lines: lines[:-1])
    seen = review(tmp_path)
    assert seen.trend().text.startswith("Nothing yet: nothing to follow")
    for view in (seen.trend(), seen.comparison()):
        for run in ("one", "two"):
            assert f"{run}: histories/{OTHER}.trial.1.jsonl, line " in view.text


def test_evidence_that_does_not_hold_fails_the_last_cell(tmp_path: Path) -> None:
    path = finalise(a_run(tmp_path)).path
    seen = review(tmp_path, expect="0" * 64)
    seen.recheck()
    with pytest.raises(EvidenceDiffers, match=r"run-1: manifest\.json: the digest is"):
        seen.conclude()
    rewrite(path / "histories" / f"{OTHER}.trial.1.jsonl", lambda lines: lines[:-1])
    seen = review(tmp_path)
    assert "a line was dropped here" in seen.recheck().text
    with pytest.raises(EvidenceDiffers, match="run-1: "):
        seen.conclude()
