"""The benchmarks measure what they say: runs that hold, and ratios that are right."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.memory import HighWater
from benchmarks.rechecking import build, long_trial, real_trials
from benchmarks.ways import Taken, report
from gp_helpers.evidence import recheck
from gp_helpers.history import History, Kind, read

CASE = "auth.validation_cascade"


@pytest.fixture(scope="module")
def real() -> list[History]:
    return asyncio.run(real_trials(CASE, 2))


def test_a_long_run_that_was_made_to_be_checked_again_holds(
    real: list[History], tmp_path: Path
) -> None:
    final = build(tmp_path, {CASE: [long_trial(real[0], 1000)]}, 1)
    found = recheck(final.path)
    assert [str(one) for one in found.differences] == []
    assert found.entries == 1000
    assert found.verdicts["cases"][0]["outcome"] == "pass"


def test_a_run_of_many_trials_holds_and_no_two_are_the_same(
    real: list[History], tmp_path: Path
) -> None:
    final = build(tmp_path, {CASE: real}, 6)
    found = recheck(final.path)
    assert [str(one) for one in found.differences] == []
    assert found.entries == 3 * sum(map(len, real))
    assert found.verdicts["cases"][0]["reason"] == "all 6 trials passed"
    histories = [read(path) for path in (final.path / "histories").iterdir()]
    for kind, key in ((Kind.USER, "canary"), (Kind.USER, "user_id"), (Kind.TOKEN, "token")):
        told = [entry.data[key] for one in histories for entry in one.of(kind)]
        assert len(set(told)) == len(told) > 6


def test_memory_is_that_of_all_processes_together() -> None:
    holds = "held = bytearray(64 * 1024**2); print(flush=True); input()"
    starts = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {holds!r}])"
    process = subprocess.Popen(
        [sys.executable, "-c", starts], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdout.readline()
    with HighWater(process.pid) as memory:
        limit = time.monotonic() + 30
        while memory.most_mb < 64 and time.monotonic() < limit:
            pass
    process.communicate(b"\n")
    assert 64 <= memory.most_mb < 256


def test_each_way_is_held_against_the_first_and_against_its_own_script() -> None:
    taken = {
        "stock": [Taken(30.0, 20.0), Taken(40.0, 20.0)],
        "ours": [Taken(10.0, 10.0), Taken(10.0, 5.0)],
        "script": [Taken(6.0, 4.0), Taken(8.0, 4.0)],
    }
    elapsed, processor = report(taken, 10, {"ours": "script"}).split("\n\n")
    for table, told in (
        (elapsed, "10.00 (10.00-10.00) 3.50 (3.00-4.00) +0.30 s a notebook"),
        (processor, "7.50 (5.00-10.00) 3.00 (2.00-4.00) +0.35 s a notebook"),
    ):
        [ours] = [line for line in table.splitlines() if line.startswith("ours")]
        assert " ".join(ours.split()) == f"ours {told}"
