"""Warm kernels do what cold ones do; what a fork would have in common with others is undone."""

import os
from pathlib import Path
from typing import Any

import pytest

from gp_helpers.execution import ExitReason, NotebookResult
from tests.execution.gallery import DRAWS
from tests.execution.notebooks import execute_now, job, printed, read, write_notebook


def outputs_of(result: NotebookResult) -> list[Any]:
    return [cell.outputs for cell in read(result.job.destination).cells]


@pytest.fixture(scope="module")
def cold(folder: Path) -> NotebookResult:
    source = write_notebook(folder / "draws" / "cold.ipynb", *DRAWS)
    [result] = execute_now([job(source, environment={"OF_THE_JOB": "draws"})])
    return result


def test_warm_and_cold_kernels_give_the_same_outputs(
    results: dict[str, NotebookResult], cold: NotebookResult
) -> None:
    assert cold.exit_reason is results["draws"].exit_reason is ExitReason.COMPLETED
    assert outputs_of(results["draws"]) == outputs_of(cold)


def test_a_warm_kernels_figures_are_there(results: dict[str, NotebookResult]) -> None:
    cell = read(results["draws"].job.destination).cells[2]
    assert [list(output.get("data", [])) for output in cell.outputs] == [
        [],
        ["image/png", "text/plain"],
    ]


def test_a_warm_kernel_has_the_environment_and_folder_of_its_job(
    results: dict[str, NotebookResult], folder: Path
) -> None:
    cells = read(results["draws"].job.destination).cells
    assert cells[4].outputs[-1].data["text/plain"] == "'draws'"
    assert printed(cells[5]).startswith(f"{folder / 'draws'} __main__ [")
    assert printed(cells[5]).endswith(f"] {os.environ.get('OMP_NUM_THREADS')}\n")


def test_what_a_child_of_the_kernel_prints_is_kept(results: dict[str, NotebookResult]) -> None:
    assert printed(read(results["draws"].job.destination).cells[3]) == "from a child\n"


def test_what_a_child_prints_belongs_to_its_cell_however_late_it_is_read(
    results: dict[str, NotebookResult],
) -> None:
    cells = read(results["reads_late"].job.destination).cells
    assert [printed(cell) for cell in cells[1:]] == ["from a child\n", "next\n"]


def test_warm_kernels_do_not_share_their_random_numbers(
    results: dict[str, NotebookResult],
) -> None:
    drawn = [
        number
        for name in ("is_random", "is_random_too")
        for number in printed(read(results[name].job.destination).cells[0]).split()
    ]
    assert len(set(drawn)) == 4
