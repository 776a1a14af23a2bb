"""Every cell ends in one of six outcomes, and says truthfully in which, against real kernels."""

from pathlib import Path

import pytest

from gp_helpers.execution import CellOutcome, ExitReason, NotebookResult
from tests.execution.gallery import NOTEBOOKS
from tests.execution.notebooks import (
    WRITE_PIDS,
    errors,
    execute_now,
    is_running,
    job,
    pids_in,
    printed,
    read,
    stored_outcomes,
    wait_until,
    write_notebook,
)

COMPLETED, FAILED, DIED, TIMED_OUT, NOT_RUN = (
    CellOutcome.COMPLETED,
    CellOutcome.FAILED,
    CellOutcome.DIED,
    CellOutcome.TIMED_OUT,
    CellOutcome.NOT_RUN,
)


@pytest.mark.parametrize(
    ("name", "outcomes", "exit_reason"),
    [
        ("completes", [COMPLETED, COMPLETED, COMPLETED], ExitReason.COMPLETED),
        ("fails", [FAILED, NOT_RUN], ExitReason.FAILED),
        ("fails_as_it_should", [COMPLETED, COMPLETED], ExitReason.COMPLETED),
        ("exits", [DIED, NOT_RUN], ExitReason.DIED),
        ("is_killed", [DIED, NOT_RUN], ExitReason.DIED),
        ("crashes", [DIED, NOT_RUN], ExitReason.DIED),
        ("leaves_a_child", [COMPLETED, DIED], ExitReason.DIED),
        ("never_ends", [TIMED_OUT, NOT_RUN], ExitReason.TIMED_OUT),
        ("swallows", [TIMED_OUT, NOT_RUN], ExitReason.TIMED_OUT),
        ("waits_on_an_idle_loop", [TIMED_OUT, NOT_RUN], ExitReason.TIMED_OUT),
        ("exits_quietly", [FAILED, NOT_RUN], ExitReason.FAILED),
    ],
)
def test_each_cell_states_how_it_ended(
    results: dict[str, NotebookResult],
    name: str,
    outcomes: list[CellOutcome],
    exit_reason: ExitReason,
) -> None:
    result = results[name]
    assert [cell.outcome for cell in result.cells] == outcomes
    assert result.exit_reason is exit_reason
    assert result.is_complete is (exit_reason is ExitReason.COMPLETED)
    assert result.saved_to == result.job.destination
    assert stored_outcomes(result.job.destination) == outcomes
    assert read(result.job.destination).metadata.golden_path.exit_reason == exit_reason


@pytest.mark.parametrize(
    "name", [name for name, cells in NOTEBOOKS.items() if "before" in str(cells)]
)
def test_what_was_printed_before_the_end_is_kept(
    results: dict[str, NotebookResult], name: str
) -> None:
    assert printed(read(results[name].job.destination).cells[0]).startswith("before")


def test_what_a_dying_kernel_had_not_sent_is_kept_once_and_in_order(
    results: dict[str, NotebookResult],
) -> None:
    cell = read(results["exits"].job.destination).cells[0]
    assert [(output.output_type, output.get("text")) for output in cell.outputs] == [
        ("stream", "before\n"),
        ("stream", "wrong\n"),
        ("error", None),
    ]


@pytest.mark.parametrize(
    ("name", "said", "detail"),
    [
        ("fails", "ValueError", "ValueError: no"),
        ("exits", "KernelDied", "exit code 3"),
        ("is_killed", "KernelDied", "killed by SIGKILL"),
        ("crashes", "KernelDied", "killed by SIGSEGV"),
        ("never_ends", "TimedOut", "the cell took longer than its 0.5 s"),
        ("swallows", "TimedOut", "the cell took longer than its 0.5 s"),
    ],
)
def test_the_cell_that_ended_badly_shows_why(
    results: dict[str, NotebookResult], name: str, said: str, detail: str
) -> None:
    result = results[name]
    cell = read(result.job.destination).cells[0]
    assert errors(cell)[-1] == said
    assert result.cells[0].detail == detail
    assert result.detail == f"cell 1: {detail}"
    assert cell.metadata.golden_path.detail == detail


def test_a_crash_shows_where_it_happened(results: dict[str, NotebookResult]) -> None:
    shown = read(results["crashes"].job.destination).cells[0].outputs[-1]
    assert "Segmentation fault" in "\n".join(shown.traceback)


def test_an_interrupted_cell_cleans_up_even_where_nothing_wakes_its_loop(
    results: dict[str, NotebookResult],
) -> None:
    result = results["waits_on_an_idle_loop"]
    assert printed(read(result.job.destination).cells[0]) == "before\ncleaned up\n"


def test_papermills_own_metadata_never_calls_a_cell_completed_that_was_not(
    results: dict[str, NotebookResult],
) -> None:
    for result in results.values():
        for cell in read(result.job.destination).cells:
            is_completed = cell.metadata.golden_path.outcome == "completed"
            assert (cell.metadata.papermill.status == "completed") is is_completed


def test_nothing_that_a_dead_kernel_started_is_left(
    results: dict[str, NotebookResult], folder: Path
) -> None:
    assert results["leaves_a_child"].exit_reason is ExitReason.DIED
    kernel, child, keeper = pids_in(folder / "pids")
    assert [pid for pid in (kernel, child, keeper) if is_running(pid)] == []


def test_the_notebooks_deadline_ends_the_cell_that_passes_it(tmp_path: Path) -> None:
    source = write_notebook(tmp_path / "slow.ipynb", "1", "import time; time.sleep(600)", "1")
    [result] = execute_now([job(source, deadline_s=3.0)])
    assert [cell.outcome for cell in result.cells] == [COMPLETED, TIMED_OUT, NOT_RUN]
    assert result.detail == "cell 2: the notebook took longer than its 3 s"
    assert result.seconds < 8


def test_the_death_of_the_keeper_is_the_death_of_the_kernel(tmp_path: Path) -> None:
    source = write_notebook(
        tmp_path / "orphan.ipynb",
        WRITE_PIDS.format(path=str(tmp_path / "pids")),
        "os.kill(os.getppid(), 9)\nimport time; time.sleep(600)",
    )
    [result] = execute_now([job(source)])
    assert [cell.outcome for cell in result.cells] == [COMPLETED, DIED]
    pids = pids_in(tmp_path / "pids")
    wait_until(lambda: not any(map(is_running, pids)), "kernel, child and keeper are gone")


def test_a_kernel_that_does_not_exist_is_said_to_be_missing(tmp_path: Path) -> None:
    kernel = {"kernelspec": {"name": "no_such", "language": "python", "display_name": "none"}}
    source = write_notebook(tmp_path / "odd.ipynb", "1", metadata=kernel)
    [result] = execute_now([job(source)])
    assert (result.exit_reason, result.detail) == (
        ExitReason.NOT_STARTED,
        "no kernel named 'no_such'",
    )
    assert stored_outcomes(result.job.destination) == [NOT_RUN]
