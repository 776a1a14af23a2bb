"""Notebooks run side by side in one process, and papermill can use the same engine."""

from pathlib import Path

import papermill
import pytest
from click.testing import CliRunner
from papermill.cli import papermill as papermill_command
from papermill.exceptions import PapermillExecutionError

from gp_helpers.execution import CellEvent, CellOutcome, ExitReason
from gp_helpers.execution.errors import NotebookEndedError
from gp_helpers.execution.preparation import project_root
from tests.execution.notebooks import (
    Cell,
    errors,
    execute_now,
    job,
    printed,
    read,
    stored_outcomes,
    write_notebook,
)

MEET = """
import time
from pathlib import Path
Path({own!r}).touch()
limit = time.monotonic() + 20
while not Path({other!r}).exists():
    assert time.monotonic() < limit, "the other notebook does not run"
    time.sleep(0.01)
"""


def test_two_notebooks_run_at_the_same_time(tmp_path: Path) -> None:
    a, b = str(tmp_path / "a"), str(tmp_path / "b")
    jobs = [
        job(write_notebook(tmp_path / "1.ipynb", MEET.format(own=a, other=b))),
        job(write_notebook(tmp_path / "2.ipynb", MEET.format(own=b, other=a))),
    ]
    results = execute_now(jobs, concurrency=2)
    assert [result.exit_reason for result in results] == [ExitReason.COMPLETED] * 2


def test_one_at_a_time_means_one_at_a_time_and_progress_tells_each_cell(tmp_path: Path) -> None:
    jobs = [
        job(write_notebook(tmp_path / "1.ipynb", "1", "2")),
        job(write_notebook(tmp_path / "2.ipynb", "1 / 0", "2")),
    ]
    told: list[CellEvent] = []
    execute_now(jobs, concurrency=1, progress=told.append)
    assert [
        (event.job.source.stem, event.number, event.cells, event.outcome) for event in told
    ] == [
        ("1", 1, 2, None),
        ("1", 1, 2, CellOutcome.COMPLETED),
        ("1", 2, 2, None),
        ("1", 2, 2, CellOutcome.COMPLETED),
        ("2", 1, 2, None),
        ("2", 1, 2, CellOutcome.FAILED),
    ]


def test_no_concurrency_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="concurrency: expected at least 1"):
        execute_now([job(write_notebook(tmp_path / "a.ipynb", "1"))], concurrency=0)


def test_a_kernel_works_in_the_projects_root(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    source = write_notebook(tmp_path / "notebooks" / "a.ipynb", "import os; print(os.getcwd())")
    assert project_root(source) == tmp_path
    [here] = execute_now([job(source)])
    assert printed(read(here.job.destination).cells[0]) == f"{tmp_path}\n"


def test_a_destination_that_cannot_be_written_is_said_before_anything_runs(tmp_path: Path) -> None:
    source = write_notebook(tmp_path / "a.ipynb", "open('ran', 'w').close()")
    (tmp_path / "a.executed.ipynb").mkdir()
    with pytest.raises(IsADirectoryError):
        execute_now([job(source, cwd=tmp_path)])
    assert not (tmp_path / "ran").exists()


def test_papermill_runs_a_notebook_with_a_parameter_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_notebook(
        tmp_path / "a.ipynb", Cell("rate = 0.5", ("parameters",)), "print(rate)"
    )
    (tmp_path / "p.yaml").write_text("rate: 0.25\n")
    command = ["--engine", "golden-path", str(source), str(tmp_path / "out.ipynb"), "-f", "p.yaml"]
    monkeypatch.chdir(tmp_path)
    ran = CliRunner().invoke(papermill_command, command)
    assert ran.exit_code == 0, ran.output
    assert printed(read(tmp_path / "out.ipynb").cells[2]) == "0.25\n"
    assert stored_outcomes(tmp_path / "out.ipynb") == [CellOutcome.COMPLETED] * 3


@pytest.mark.parametrize(
    ("cell", "error", "said"),
    [
        ("1 / 0", PapermillExecutionError, "ZeroDivisionError: division by zero"),
        ("import os; os._exit(0)", PapermillExecutionError, "KernelDied: exit code 0"),
        ("import sys; sys.exit(0)", NotebookEndedError, "failed: cell 1: SystemExit: 0"),
    ],
)
def test_papermill_fails_for_whatever_did_not_complete(
    tmp_path: Path, cell: str, error: type[Exception], said: str
) -> None:
    source = write_notebook(tmp_path / "a.ipynb", cell, "print('last')")
    with pytest.raises(error, match=said):
        papermill.execute_notebook(
            source, tmp_path / "out.ipynb", engine_name="golden-path", progress_bar=False
        )
    assert read(tmp_path / "out.ipynb").cells[-1].outputs == []


def test_papermill_does_not_fail_for_an_exception_that_a_cell_may_raise(tmp_path: Path) -> None:
    allowed = Cell("1 / 0", ("raises-exception",))
    source = write_notebook(tmp_path / "a.ipynb", allowed, "print('after')")
    command = ["--engine", "golden-path", str(source), str(tmp_path / "out.ipynb")]
    ran = CliRunner().invoke(papermill_command, command)
    assert ran.exit_code == 0, ran.output
    saved = read(tmp_path / "out.ipynb")
    assert errors(saved.cells[0]) == ["ZeroDivisionError"]
    assert saved.metadata.golden_path.exit_reason == ExitReason.COMPLETED
