"""A run that is killed at any instant leaves a folder that tells the truth, and no process."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.kills import Found, Order, examined, kill_runs, processes_with
from gp_helpers.checkers import Outcome
from gp_helpers.evidence import finalise
from tests.evidence.stories import CASE, OTHER, a_run, rewrite

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="not run here: processes are counted in Linux's /proc"
)


def test_ten_runs_killed_at_random_instants_leave_what_they_should(tmp_path: Path) -> None:
    kills = kill_runs(Order(tmp_path), times=10, seed=1176)
    assert [kill.objections for kill in kills] == [()] * 10
    assert sum(kill.found is Found.PARTIAL for kill in kills) >= 5
    assert sum(kill.processes for kill in kills) > 10


LEAVES_A_CHILD = """
import subprocess, sys
code = "import sys; print(flush=True); sys.stdin.read()"
child = subprocess.Popen([sys.executable, "-c", code],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
child.stdout.readline()  # before that its environment may not be in place yet
print(child.pid, flush=True)
sys.stdin.read()
"""


def test_a_child_of_its_own_session_is_seen(tmp_path: Path) -> None:
    marker = f"GOLDEN_PATH_SEEN={tmp_path}"
    name, _, value = marker.partition("=")
    with subprocess.Popen(
        [sys.executable, "-c", LEAVES_A_CHILD],
        env={**os.environ, name: value},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        os.kill(child, signal.SIGSTOP)
        assert sorted(processes_with(marker.encode())) == sorted([parent.pid, child])
        parent.kill()
        parent.wait()
        assert processes_with(marker.encode()) == [child]
        os.kill(child, signal.SIGKILL)


def test_a_folder_that_is_not_as_it_should_be_is_objected_to(tmp_path: Path) -> None:
    path = a_run(tmp_path)
    (path / "histories" / f"{OTHER}.trial.1.jsonl").unlink()
    finalise(path)
    found, decided, objections = examined(tmp_path, [CASE, OTHER])
    assert (found, decided) == (Found.FINISHED, 0)
    assert [one.partition(": ")[0] for one in objections] == [
        f"{CASE} is {Outcome.INCONCLUSIVE}, not {Outcome.PASS}",
        "whole, and says that it is partial",
    ]


def test_no_folder_and_an_unreadable_one_are_told_apart(tmp_path: Path) -> None:
    assert examined(tmp_path / "outputs", [CASE]) == (Found.NO_FOLDER, 0, [])
    path = a_run(tmp_path / "outputs")
    rewrite(path / "environment.json", lambda lines: lines[:-3])
    found, _, [objection] = examined(tmp_path / "outputs", [CASE])
    assert found is Found.PARTIAL
    assert objection.startswith("not readable: NotARunError: ")
