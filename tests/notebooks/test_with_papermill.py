"""The notebooks under stock papermill: exit status, parameters, evidence, figures."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from papermill.cli import papermill as papermill_command
from papermill.exceptions import PapermillExecutionError

from gp_helpers.plan import SUITES, Suite, cases_of
from tests.notebooks.stock import NAMES, executed, papermill_here
from tests.support.repository import ROOT
from tools.notebooks import NOTEBOOKS, START_HERE, TOUR_CASE

EXPECTED = {START_HERE: [TOUR_CASE]} | {
    SUITES[suite].notebook: [case.id for case in cases_of(suite)] for suite in Suite
}


@pytest.mark.parametrize("name", NAMES)
def test_each_notebook_shows_what_was_reported(
    name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    ran = executed(tmp_path_factory, name)
    assert ran.status == 0, ran.said[-3000:]
    verdicts = ran.verdicts()
    assert {case: stated["outcome"] for case, stated in verdicts.items()} == dict.fromkeys(
        EXPECTED[name], "fail"
    )
    assert all(stated["met"] for stated in verdicts.values())
    assert (ran.run / "index.html").is_file()
    assert [path.name for path in ran.run.glob(".*")] == []
    empty, shown = shown_in(ran.notebook)
    assert empty == []
    cases = len(EXPECTED[name])
    assert shown["image/svg+xml"] >= 2 * cases
    assert shown["text/html"] >= 7 * cases


def shown_in(executed: Path) -> tuple[list[str], dict[str, int]]:
    """The code cells that show nothing, and how often each kind of view is shown."""
    empty, shown = [], {"image/svg+xml": 0, "text/html": 0}
    for cell in json.loads(executed.read_text())["cells"]:
        if cell["cell_type"] != "code" or "parameters" in str(cell["metadata"].get("tags")):
            continue
        data = [output.get("data", {}) for output in cell["outputs"]]
        if not any(data):
            empty.append(cell["id"])
        for kind in shown:
            shown[kind] += sum(kind in one for one in data)
    return empty, shown


def test_an_unknown_parameter_is_an_error_that_names_its_place(tmp_path: Path) -> None:
    said = "line 2: trails: unknown parameter; did you mean trials?"
    with pytest.raises(PapermillExecutionError, match=re.escape(said)):
        papermill_here(tmp_path, START_HERE, tmp_path / "executed.ipynb", trails=3)
    assert list(tmp_path.iterdir()) == []


def test_an_expectation_that_is_not_met_fails_papermill_after_the_evidence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOLDEN_PATH_OUTPUTS", str(tmp_path))
    monkeypatch.delenv("GOLDEN_PATH_RUN", raising=False)
    monkeypatch.chdir(ROOT)
    stated = "{target: {kind: embedded, isolation: thread}, expectation: pass, cases: [auth]}"
    notebooks = [str(NOTEBOOKS / f"{START_HERE}.ipynb"), str(tmp_path / "executed.ipynb")]
    ran = CliRunner().invoke(papermill_command, ["--no-progress-bar", *notebooks, "-y", stated])
    assert ran.exit_code == 1
    assert "expected pass, is fail" in str(ran.exception)
    (stated,) = tmp_path.glob("*/verdicts/*.json")
    assert json.loads(stated.read_text())["met"] is False


def test_papermill_lists_the_parameters_with_their_meaning() -> None:
    ran = CliRunner().invoke(
        papermill_command, ["--help-notebook", str(NOTEBOOKS / f"{NAMES[1]}.ipynb")]
    )
    assert ran.exit_code == 0
    assert 'expectation: str (default "reproduce")' in ran.output
    assert "suites or cases; empty selects all" in ran.output
