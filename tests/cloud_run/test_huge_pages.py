"""Memory of a zygote in huge pages: it holds what it held, and a system without any is no error."""

import json
import subprocess
import sys

import pytest

GATHERS = """
import json
from pathlib import Path
from gp_helpers.cloud_run import huge_pages

def huge():
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("AnonHugePages"))

written = [str(number) for number in range(400_000)]
before, gathered = huge(), huge_pages.gather_in_huge_pages()
same = written == [str(number) for number in range(400_000)]
print(json.dumps([before, gathered, huge(), same]))
"""


def test_what_was_written_is_gathered_and_stays() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", GATHERS], capture_output=True, text=True, timeout=60, check=True
    )
    before, gathered, after, is_same = json.loads(ran.stdout)
    assert is_same
    if not gathered:
        pytest.skip("this system makes no huge pages when it is asked to")
    assert after - before >= gathered * 0.9
