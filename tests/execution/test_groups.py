"""A kernel that leaves its process group is ended like any other, with what it started."""

import signal
from pathlib import Path

import pytest

from gp_helpers.execution import CellOutcome, ExitReason
from tests.execution.notebooks import (
    Cell,
    execute_now,
    is_running,
    job,
    pids_in,
    stored_outcomes,
    wait_until,
    write_notebook,
)
from tests.execution.runners import papermill, runner

TO_ITS_CHILDS = "child = start(process_group=0); os.setpgid(0, child.pid)"
TO_THE_KEEPERS = "os.setpgid(0, os.getppid()); child = start()"
TO_A_SESSION = (
    "away = start(process_group=0); os.setpgid(0, away.pid); os.setsid(); away.kill(); "
    "child = start()"
)

LEAVES = """
import os, subprocess, time
from pathlib import Path
def start(**how): return subprocess.Popen(["sleep", "600"], **how)
{leave}
Path({path!r}).write_text(f"{{os.getpid()}} {{child.pid}} {{os.getppid()}}\\n")
print("left")
{then}
"""
"""A cell that leaves its group and writes the ids of its kernel, a child and the keeper."""
SLEEP = "time.sleep(600)"


def left(pids: Path) -> list[int]:
    """Those of the processes whose ids a cell wrote that run."""
    found = pids_in(pids)
    assert len(found) == 3
    return [pid for pid in found if is_running(pid)]


@pytest.mark.parametrize("warm", [False, True])
@pytest.mark.parametrize("leave", [TO_ITS_CHILDS, TO_THE_KEEPERS, TO_A_SESSION])
def test_a_kernel_that_left_its_group_meets_its_limit(
    tmp_path: Path, leave: str, warm: bool
) -> None:
    pids = tmp_path / "pids"
    source = write_notebook(
        tmp_path / "leaves.ipynb",
        Cell(LEAVES.format(leave=leave, path=str(pids), then=SLEEP), ("timeout=1",)),
        "1",
    )
    beside = write_notebook(tmp_path / "beside.ipynb", "1", "print('done')")
    results = execute_now([job(source), job(beside)], warm=warm)
    assert [result.exit_reason for result in results] == [
        ExitReason.TIMED_OUT,
        ExitReason.COMPLETED,
    ]
    # The keeper kills what is in its own group together with itself.
    wait_until(lambda: not left(pids), "kernel, child and keeper are gone")


def test_a_kernel_that_ends_by_itself_leaves_nothing_in_a_group_it_went_to(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    cell = LEAVES.format(leave=TO_ITS_CHILDS, path=str(pids), then="os._exit(3)")
    waits = f"""
import os, time
from pathlib import Path
def pids(): return [int(word) for word in Path({str(pids)!r}).read_text().split()]
limit = time.monotonic() + 20
while not Path({str(pids)!r}).exists() or Path(f"/proc/{{pids()[1]}}").exists():
    assert time.monotonic() < limit, "what the other kernel started still runs"
    time.sleep(0.02)
"""
    jobs = [
        job(write_notebook(tmp_path / "leaves.ipynb", cell)),
        job(write_notebook(tmp_path / "waits.ipynb", waits)),
    ]
    results = execute_now(jobs)
    assert [result.exit_reason for result in results] == [ExitReason.DIED, ExitReason.COMPLETED]


def test_a_kernel_in_the_group_of_another_one_ends_with_it_and_both_are_told(
    tmp_path: Path,
) -> None:
    leads = "import os, time\nopen('leader', 'w').write(f'{os.getpid()}\\n')\n"
    leads += "while not os.path.exists('joined'): time.sleep(0.02)\nos._exit(3)"
    joins = (
        "import os, time\n"
        "while not (os.path.exists('leader') and open('leader').read().endswith('\\n')):\n"
        "    time.sleep(0.02)\n"
        "os.setpgid(0, int(open('leader').read()))\nopen('joined', 'w').close()\ntime.sleep(600)"
    )
    jobs = [
        job(write_notebook(tmp_path / "leads.ipynb", leads), cwd=tmp_path),
        job(write_notebook(tmp_path / "joins.ipynb", joins), cwd=tmp_path),
    ]
    results = execute_now(jobs)
    assert [result.cells[0].detail for result in results] == ["exit code 3", "killed by SIGKILL"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("leave", [TO_ITS_CHILDS, TO_THE_KEEPERS])
def test_a_runner_that_is_stopped_leaves_nothing_of_it(
    tmp_path: Path, leave: str, number: signal.Signals
) -> None:
    pids = tmp_path / "pids"
    source = write_notebook(
        tmp_path / "leaves.ipynb", LEAVES.format(leave=leave, path=str(pids), then=SLEEP)
    )
    with runner(*papermill(source), cwd=tmp_path) as process:
        wait_until(lambda: bool(pids_in(pids)), "the cell runs")
        process.send_signal(number)
        assert process.wait(20) == -number
    if number == signal.SIGTERM:
        assert stored_outcomes(source.with_suffix(".out")) == [CellOutcome.INTERRUPTED]
    wait_until(lambda: not left(pids), "kernel, child and keeper are gone")
