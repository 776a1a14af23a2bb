"""The notebooks under stock papermill: exit status, parameters, evidence, figures."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from gp_helpers.plan import SUITES, Suite, cases_of
from tests.support.repository import ROOT
from tools.notebooks import NOTEBOOKS, START_HERE, TOUR_CASE

NAMES = (START_HERE, *(info.notebook for info in SUITES.values()))
EXPECTED = {START_HERE: [TOUR_CASE]} | {
    SUITES[suite].notebook: [case.id for case in cases_of(suite)] for suite in Suite
}


def papermill(outputs: Path, name: str, *more: str) -> "subprocess.CompletedProcess[str]":
    """Execute a notebook as a user would, from the repository's root."""
    command = [sys.executable, "-m", "papermill", "--no-progress-bar"]
    environ = os.environ | {"GOLDEN_PATH_OUTPUTS": str(outputs)}
    environ.pop("GOLDEN_PATH_RUN", None)
    return subprocess.run(
        [*command, str(NOTEBOOKS / f"{name}.ipynb"), str(outputs / f"{name}.ipynb"), *more],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Any, Path]]:
    """Each notebook, executed once as reported, two at a time."""

    def run(name: str) -> tuple[Any, Path]:
        outputs = tmp_path_factory.mktemp(name)
        return papermill(outputs, name, "-f", "parameters/as_reported.yaml"), outputs

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(NAMES, pool.map(run, NAMES), strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_each_notebook_ends_as_expected(name: str, executed: dict[str, tuple[Any, Path]]) -> None:
    ran, outputs = executed[name]
    assert ran.returncode == 0, ran.stderr[-3000:]
    runs = [path for path in outputs.iterdir() if path.is_dir()]
    assert len(runs) == 1
    verdicts = {
        path.stem: json.loads(path.read_text()) for path in (runs[0] / "verdicts").glob("*.json")
    }
    assert sorted(verdicts) == sorted(EXPECTED[name])
    assert {case: stated["outcome"] for case, stated in verdicts.items()} == dict.fromkeys(
        EXPECTED[name], "fail"
    )
    assert all(stated["met"] for stated in verdicts.values())
    assert (runs[0] / "index.html").is_file()


@pytest.mark.parametrize("name", NAMES)
def test_each_notebook_shows_its_figures_and_tables(
    name: str, executed: dict[str, tuple[Any, Path]]
) -> None:
    _, outputs = executed[name]
    notebook = json.loads((outputs / f"{name}.ipynb").read_text())
    empty, shown = [], {"image/svg+xml": 0, "text/html": 0}
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code" or "parameters" in str(cell["metadata"].get("tags")):
            continue
        data = [output.get("data", {}) for output in cell["outputs"]]
        if not any(data):
            empty.append(cell["id"])
        for kind in shown:
            shown[kind] += sum(kind in one for one in data)
    assert empty == []
    cases = len(EXPECTED[name])
    assert shown["image/svg+xml"] >= 2 * cases
    assert shown["text/html"] >= 7 * cases


def test_an_unknown_parameter_is_an_error_that_names_its_place(tmp_path: Path) -> None:
    ran = papermill(tmp_path, START_HERE, "-p", "trails", "3")
    assert ran.returncode != 0
    assert "line 2: trails: unknown parameter; did you mean trials?" in ran.stderr
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


def test_an_expectation_that_is_not_met_fails_papermill_after_the_evidence(
    tmp_path: Path,
) -> None:
    ran = papermill(
        tmp_path,
        START_HERE,
        "-y",
        '{target: {kind: embedded, isolation: thread}, expectation: pass, cases: ["auth"]}',
    )
    assert ran.returncode != 0
    assert "expected pass, is fail" in ran.stderr
    (stated,) = tmp_path.glob("*/verdicts/*.json")
    assert json.loads(stated.read_text())["met"] is False


def test_papermill_lists_the_parameters_with_their_meaning() -> None:
    command = [sys.executable, "-m", "papermill", "--help-notebook"]
    ran = subprocess.run(
        [*command, str(NOTEBOOKS / f"{NAMES[1]}.ipynb")],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert 'expectation: str (default "reproduce")' in ran.stdout
    assert "suites or cases; empty selects all" in ran.stdout
