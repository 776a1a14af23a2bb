"""The benchmarks measure what they say: runs that hold, and ratios that are right."""

import asyncio
from pathlib import Path

import pytest

from benchmarks.rechecking import build, long_trial, one_trial, trials
from benchmarks.ways import Taken, report
from gp_helpers.evidence import recheck
from gp_helpers.history import History

CASE = "auth.validation_cascade"


@pytest.fixture(scope="module")
def history() -> History:
    return asyncio.run(one_trial(CASE))


@pytest.mark.parametrize("is_long", [False, True])
def test_a_run_that_was_made_to_be_checked_again_holds(
    is_long: bool, history: History, tmp_path: Path
) -> None:
    made = [long_trial(history, 1000)] if is_long else trials(history, 1000)
    found = recheck(build(tmp_path, CASE, made))
    assert [str(one) for one in found.differences] == []
    assert found.entries == pytest.approx(1000, abs=len(history))
    assert found.verdicts["cases"][0]["outcome"] == "pass"


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
