"""Unknown and mistyped parameters are refused before a kernel starts."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from papermill.cli import papermill as papermill_command

from gp_helpers.execution import NotebookFileError
from gp_helpers.execution.parameter_check import check_parameters
from gp_helpers.parameters import ParameterError
from tests.execution.notebooks import Cell, execute_now, job, read, write_notebook

OWN = "rate: float = 0.5\ncount = 3\nlabel: str | None = None\nwhatever = None\nflag = False"
SCHEMA = "target = None\ntrials = 1\nseed = 1176"


def refused(tmp_path: Path, cell: str, parameters: dict[Any, Any]) -> str:
    notebook = read_source(tmp_path, cell)
    with pytest.raises(ParameterError) as refusal:
        check_parameters(notebook, parameters, source="a.ipynb")
    return str(refusal.value)


def read_source(tmp_path: Path, cell: str) -> Any:
    path = write_notebook(tmp_path / "a.ipynb", Cell(cell, ("parameters",)))
    import nbformat

    return nbformat.read(path, as_version=4)


@pytest.mark.parametrize(
    ("cell", "parameters", "said"),
    [
        (OWN, {"cuont": 1}, "cuont: unknown parameter; did you mean count? known: rate, count, "),
        (OWN, {"count": "3"}, "count: expected int, found str '3'"),
        (OWN, {"count": True}, "count: expected int, found bool True"),
        (OWN, {"flag": 1}, "flag: expected bool, found int 1"),
        (OWN, {"label": 5}, "label: expected str or None, found int 5"),
        (OWN, {True: 5}, "True: a parameter's name is text, found bool"),
        (SCHEMA, {"trials": "many"}, "trials: input should be a valid integer"),
        (SCHEMA, {"trials": "3"}, "trials: input should be a valid integer; found '3'"),
        (SCHEMA, {"trials": True}, "trials: input should be a valid integer; found True"),
        (SCHEMA, {"trials": 0}, "trials: input should be greater than or equal to 1; found 0"),
        (SCHEMA, {"target": {"kind": "embeded"}}, "target"),
        (SCHEMA, {"sessions": 7}, "sessions: unknown parameter; "),
        ("", {"trials": 1}, "the notebook has no cell tagged 'parameters'"),
        ("%magic", {"trials": 1}, "the parameters cell is not Python"),
    ],
)
def test_what_does_not_fit_is_refused_and_named(
    tmp_path: Path, cell: str, parameters: dict[Any, Any], said: str
) -> None:
    found = refused(tmp_path, cell, parameters)
    assert found.startswith("a.ipynb: ")
    assert said in found


@pytest.mark.parametrize(
    ("cell", "parameters"),
    [
        (OWN, {"rate": 1, "count": 5, "label": None, "whatever": [1], "flag": True}),
        (OWN, {}),
        (SCHEMA, {"trials": 5, "target": {"kind": "embedded", "wiring": "remediated"}}),
    ],
)
def test_what_fits_is_let_through(tmp_path: Path, cell: str, parameters: dict[str, Any]) -> None:
    notebook = read_source(tmp_path, cell)
    before = notebook.copy()
    check_parameters(notebook, parameters, source="a.ipynb")
    assert notebook == before


def test_all_problems_are_named_at_once(tmp_path: Path) -> None:
    found = refused(tmp_path, OWN, {"cuont": 1, "raet": 2})
    assert len(found.splitlines()) == 2


def touching(path: Path, marker: Path) -> Path:
    return write_notebook(
        path, Cell(SCHEMA, ("parameters",)), f"open({str(marker)!r}, 'w').close()"
    )


def test_papermill_refuses_before_anything_runs_or_is_saved(tmp_path: Path) -> None:
    source = touching(tmp_path / "a.ipynb", tmp_path / "ran")
    command = ["--engine", "golden-path", str(source), str(tmp_path / "out"), "-p", "trails", "3"]
    ran = CliRunner().invoke(papermill_command, command)
    assert ran.exit_code == 1
    assert f"{source}: trails: unknown parameter; did you mean trials?" in str(ran.exception)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.ipynb"]


def test_one_refused_job_keeps_all_from_starting(tmp_path: Path) -> None:
    good = touching(tmp_path / "good.ipynb", tmp_path / "ran")
    bad = touching(tmp_path / "bad.ipynb", tmp_path / "ran")
    with pytest.raises(ParameterError, match=r"bad\.ipynb: trials: "):
        execute_now([job(good), job(bad, parameters={"trials": "many"})])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.ipynb", "good.ipynb"]


@pytest.mark.parametrize(
    ("text", "said"),
    [(None, "there is no such file"), ("", "not a notebook"), ("[1]", "not a notebook")],
)
def test_what_is_not_a_notebook_is_refused(tmp_path: Path, text: str | None, said: str) -> None:
    source = tmp_path / "a.ipynb"
    if text is not None:
        source.write_text(text)
    with pytest.raises(NotebookFileError, match=said):
        execute_now([job(source)])


def test_a_tag_that_is_no_timeout_is_refused(tmp_path: Path) -> None:
    source = write_notebook(tmp_path / "a.ipynb", "1", Cell("1", ("timeout=soon",)))
    with pytest.raises(NotebookFileError, match=r"a\.ipynb: cell 2: cell tag 'timeout=soon'"):
        execute_now([job(source)])


def test_two_notebooks_may_not_be_saved_in_one_place(tmp_path: Path) -> None:
    wanted = job(write_notebook(tmp_path / "a.ipynb", "1"))
    with pytest.raises(ValueError, match="two notebooks would be saved there"):
        execute_now([wanted, wanted])


def test_parameters_reach_the_notebook(tmp_path: Path) -> None:
    source = write_notebook(tmp_path / "a.ipynb", Cell(OWN, ("parameters",)), "print(rate, count)")
    [result] = execute_now([job(source, parameters={"rate": 0.25})])
    saved = read(result.job.destination)
    assert [cell.metadata.tags for cell in saved.cells] == [
        ["parameters"],
        ["injected-parameters"],
        [],
    ]
    assert saved.cells[2].outputs[0].text == "0.25 3\n"
    assert saved.metadata.papermill.parameters == {"rate": 0.25}
