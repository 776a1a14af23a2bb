"""The example in `outputs/example/`: a real run, which a stranger can check from a clone alone."""

import json

from gp_helpers.evidence import read_run, recheck, runs_in, trend
from tests.support.repository import ROOT, files_of_the_repository

EXAMPLES = ROOT / "outputs" / "example"
DIGEST = "117e45d4a988e8937b31623fc52a24f4325c2632cdae2d78098d65591c259434"
"""What the run printed when it was made."""
MOST_BYTES = 600_000


def test_the_example_is_one_run_that_holds() -> None:
    (place,) = runs_in(EXAMPLES)
    found = recheck(place, expect=DIGEST)
    assert [str(one) for one in found.differences] == []
    assert found.entries > 50
    seen = read_run(place)
    assert seen.verdicts["partial"] is None
    (case,) = seen.verdicts["cases"]
    assert (case["outcome"], case["met"]) == ("fail", True)
    assert case["findings"] == ["WS_EVENTS_LOST_AFTER_CONNECT"]
    assert json.loads((place / "secrets.json").read_text())["findings"] == []


def test_all_of_it_is_tracked_and_it_is_small() -> None:
    (place,) = runs_in(EXAMPLES)
    tracked = {path for path in files_of_the_repository() if path.is_relative_to(place)}
    listed = json.loads((place / "manifest.json").read_text())["files"]
    assert tracked == {place / name for name in (*listed, "manifest.json")}
    assert sum(path.stat().st_size for path in tracked) < MOST_BYTES


def test_it_does_not_count_among_somebodys_own_runs() -> None:
    assert EXAMPLES not in set(runs_in(ROOT / "outputs"))
    assert trend(EXAMPLES).runs == 1


def test_it_names_no_folder_and_no_host_of_the_machine_that_made_it() -> None:
    (place,) = runs_in(EXAMPLES)
    for path in place.rglob("*.ipynb"):
        about = json.loads(path.read_text())["metadata"]["papermill"]
        assert about["input_path"] == f"notebooks/{path.name}"
        assert about["output_path"] == path.name
    environment = json.loads((place / "environment.json").read_text())
    assert environment["workbook"]["revision"]["has_changes"] is False
    assert set(environment["platform"]) == {"system", "machine", "processors"}
