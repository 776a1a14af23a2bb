"""A runner that is stopped saves what there is, and leaves no process, whatever stopped it."""

import asyncio
import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gp_helpers.execution import CellOutcome, ExitReason, execute
from gp_helpers.execution.kernels import session
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
from tests.execution.runners import papermill, runner

GRACE_S = 40.0
"""After which a kernel that does not end is killed; a machine is never so slow."""
STOPPED = [CellOutcome.COMPLETED, CellOutcome.INTERRUPTED, CellOutcome.NOT_RUN]

RUN_JOBS = """
import asyncio, json, sys
from collections.abc import Iterator
from pathlib import Path
from gp_helpers.execution import NotebookJob, execute
jobs = [NotebookJob(Path(source), Path(source).with_suffix(".out")) for source in sys.argv[1:]]
results = asyncio.run(execute(jobs, concurrency=2))
print(json.dumps([result.exit_reason.value for result in results]))
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_notebook(
        tmp_path / "long.ipynb",
        "print('first')",
        WRITE_PIDS.format(path=str(tmp_path / "pids"))
        + "\nprint('before')\nimport time; time.sleep(600)",
        "1",
    )


def saved_print(source: Path) -> str:
    """What the second cell printed, as far as it has been saved."""
    destination = source.with_suffix(".out")
    return printed(read(destination).cells[1]) if destination.exists() else ""


@pytest.fixture
def heard() -> Iterator[None]:
    """A closed terminal is heard by what is started here, also where tests run under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_papermill_told_to_stop_saves_and_ends_the_kernels_group(
    source: Path, number: signal.Signals
) -> None:
    pids = source.parent / "pids"
    with runner(*papermill(source), cwd=source.parent) as process:
        wait_until(lambda: bool(pids_in(pids)), "the long cell runs")
        process.send_signal(number)
        assert process.wait(20) == -number
    assert stored_outcomes(source.with_suffix(".out")) == STOPPED
    cell = read(source.with_suffix(".out")).cells[1]
    assert printed(cell) == "before\n"
    assert errors(cell)[-1] == "Interrupted"
    assert cell.metadata.golden_path.detail == f"the runner was told to stop by {number.name}"
    assert [pid for pid in pids_in(pids) if is_running(pid)] == []


def test_what_ignores_that_its_terminal_is_closed_goes_on(tmp_path: Path) -> None:
    """As under ``nohup``: what is ignored when a process begins stays so."""
    begun, hung_up = tmp_path / "begun", tmp_path / "hung_up"
    source = write_notebook(
        tmp_path / "waits.ipynb",
        f"import os, time\nopen({str(begun)!r}, 'w').close()\n"
        f"while not os.path.exists({str(hung_up)!r}): time.sleep(0.2)",
    )
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with runner(*papermill(source), cwd=tmp_path) as process:
            wait_until(begun.exists, "the cell runs")
            process.send_signal(signal.SIGHUP)
            hung_up.touch()
            assert process.wait(20) == 0
    finally:
        signal.signal(signal.SIGHUP, before)
    assert stored_outcomes(source.with_suffix(".out")) == [CellOutcome.COMPLETED]


def test_notebooks_side_by_side_are_all_interrupted_and_the_rest_is_not_run(
    source: Path, tmp_path: Path
) -> None:
    second = write_notebook(tmp_path / "second.ipynb", "1", "import time; time.sleep(600)", "1")
    waiting = write_notebook(tmp_path / "waiting.ipynb", "1")
    arguments = ["-c", RUN_JOBS, str(source), str(second), str(waiting)]
    with runner(*arguments, cwd=tmp_path) as process:
        wait_until(lambda: bool(pids_in(tmp_path / "pids")), "the first notebook's long cell runs")
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=20)
    assert json.loads(said.splitlines()[-1]) == ["interrupted"] * 3
    assert stored_outcomes(source.with_suffix(".out")) == STOPPED
    assert stored_outcomes(waiting.with_suffix(".out")) == [CellOutcome.NOT_RUN]
    assert [pid for pid in pids_in(tmp_path / "pids") if is_running(pid)] == []


def test_a_killed_runner_leaves_no_process_frozen_or_not_and_what_was_printed(
    source: Path, tmp_path: Path
) -> None:
    frozen = write_notebook(
        tmp_path / "frozen.ipynb",
        WRITE_PIDS.format(path=str(tmp_path / "more_pids")) + "\nos.kill(os.getpid(), 19)",
    )
    arguments = ["-c", RUN_JOBS, str(source), str(frozen)]
    with runner(*arguments, cwd=tmp_path) as process:
        wait_until(lambda: bool(pids_in(tmp_path / "more_pids")), "one kernel is frozen")
        wait_until(lambda: saved_print(source) == "before\n", "what is printed is saved meanwhile")
        process.kill()
    pids = [*pids_in(tmp_path / "pids"), *pids_in(tmp_path / "more_pids")]
    assert len(pids) == 6
    wait_until(lambda: not any(map(is_running, pids)), "kernels, children, keeper are gone")
    wait_until(lambda: not list(tmp_path.glob("gp-*")), "the folder of sockets is gone")
    saved = read(source.with_suffix(".out"))
    assert saved.cells[1].metadata.papermill.status == "running"
    assert stored_outcomes(source.with_suffix(".out")) == STOPPED
    for stated in (saved.cells[1].metadata.golden_path, saved.metadata.golden_path):
        assert stated.detail == "it was running, or its runner was killed"
    assert saved.metadata.golden_path.exit_reason == ExitReason.INTERRUPTED


def test_cancelling_saves_and_leaves_no_process(source: Path) -> None:
    pids = source.parent / "pids"
    wanted = job(source)

    async def cancel_when_running() -> None:
        running = asyncio.create_task(execute([wanted], concurrency=1, handle_signals=False))
        async with asyncio.timeout(30):
            while not pids_in(pids):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        running.cancel()
        await running

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancel_when_running())
    assert stored_outcomes(wanted.destination) == STOPPED
    assert [pid for pid in pids_in(pids) if is_running(pid)] == []


def test_a_kernel_ends_although_its_control_channel_is_last(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It publishes its last message on a thread that the main one, on its way out, is ending."""
    late = """
def delay():  # a function: the shell forgets all names on its way out
    import threading, time
    from ipykernel.iostream import IOPubThread
    pipe = IOPubThread._event_pipe
    loop = get_ipython().kernel.iopub_thread.io_loop
    close = loop.close
    def late(self):
        if threading.current_thread().name == "Control":
            time.sleep(0.2)
        return pipe.fget(self)
    def close_and_stay(**how):
        close(**how)
        time.sleep(0.5)
    IOPubThread._event_pipe = property(late)
    loop.close = close_and_stay
delay()
"""
    source = write_notebook(tmp_path / "late.ipynb", late)
    monkeypatch.setattr(session, "SHUTDOWN_GRACE_S", GRACE_S)
    began = time.monotonic()
    [result] = execute_now([job(source)])
    assert result.exit_reason is ExitReason.COMPLETED
    assert time.monotonic() - began < GRACE_S


OPENS_A_TEMPORARY_FOLDER = """
import os, signal
from gp_helpers.targets.temporary import temporary_folder
opened = temporary_folder()
print(opened.name)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_temporary_folder_of_a_kernel_that_is_killed_goes_with_the_run(tmp_path: Path) -> None:
    source = write_notebook(tmp_path / "killed.ipynb", OPENS_A_TEMPORARY_FOLDER)
    [result] = execute_now([job(source)])
    assert result.exit_reason is ExitReason.DIED
    [*_, cell] = read(result.job.destination).cells
    opened = Path(printed(cell).strip())
    assert opened.name.startswith("golden-path-")
    assert not opened.exists()
