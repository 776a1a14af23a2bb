"""Many trials are examined by several processes: the same is found, and none is left."""

import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from gp_helpers.evidence import Finalised, bundle, finalise
from tests.evidence.stories import CASE, a_run, rewrite
from tests.support.repository import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="not run here: forks are Linux's")

RECHECKS = """
import os, sys
from pathlib import Path
from gp_helpers.checkers import judging
from gp_helpers.evidence import examining, recheck
from gp_helpers.plan import Suite

judging._MODULES = dict.fromkeys(Suite, "tests.evidence.tiny_checks")
examining._BATCH_BYTES = int(sys.argv[2])
examine = examining.examine

def noted(recorded, parameters):
    os.write(2, b"by the owner;" if os.getpid() == owner else b"by another;")
    return examine(recorded, parameters)

owner = os.getpid()
examining.examine = noted
found = recheck(Path(sys.argv[1]))
print(found.entries, found.digest, *found.differences, sep="\\n")
"""

KILLS_ITS_OWNER = """
import os, signal, sys, time
from pathlib import Path
from gp_helpers.evidence import examining, recheck

owner = os.getpid()

def kill(recorded, parameters):
    assert os.getppid() == owner
    print(os.getpid(), flush=True)
    os.kill(owner, signal.SIGKILL)
    time.sleep(60)

examining._BATCH_BYTES = 1
examining._may_fork = lambda: True
examining.examine = kill
recheck(Path(sys.argv[1]))
"""


def python(script: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
        check=False,
    )


@pytest.fixture
def several(tmp_path: Path) -> Finalised:
    return finalise(a_run(tmp_path, statuses=(401, 200, 401, 200)))


@pytest.mark.parametrize("is_bundle", [False, True])
def test_several_processes_find_what_one_does(is_bundle: bool, several: Finalised) -> None:
    rewrite(
        several.path / "histories" / f"{CASE}.trial.3.jsonl", lambda lines: lines[:4] + lines[5:]
    )
    place = bundle(several.path).path if is_bundle else several.path
    one, many = (python(RECHECKS, str(place), size) for size in ("10000000", "1"))
    told = one.stdout.splitlines()
    assert told == many.stdout.splitlines()
    assert f"histories/{CASE}.trial.3.jsonl, line 5: a line was dropped here" in told
    if (os.cpu_count() or 1) > 1:
        assert (one.stderr.count("by the owner"), many.stderr.count("by another")) == (5, 5)


def test_what_none_of_several_processes_can_read_is_named_once(several: Finalised) -> None:
    name = f"histories/{CASE}.trial.2.jsonl"
    packed = bundle(several.path).path
    content = bytearray(packed.read_bytes())
    with zipfile.ZipFile(packed) as archive:
        [info] = [one for one in archive.infolist() if one.filename.endswith(name)]
    at = info.header_offset + 30 + len(info.filename) + info.compress_size // 2
    content[at : at + 8] = b"\xff" * 8
    packed.write_bytes(content)
    told = python(RECHECKS, str(packed), "1").stdout.splitlines()
    assert len([line for line in told if line.startswith(f"{name}: damaged in the bundle")]) == 1


def test_no_process_outlives_the_one_that_it_works_for(several: Finalised) -> None:
    ran = python(KILLS_ITS_OWNER, str(several.path))
    assert ran.returncode == -9
    limit = time.monotonic() + 10
    for pid in map(int, ran.stdout.split()):
        while Path(f"/proc/{pid}").exists():
            assert time.monotonic() < limit, f"process {pid} is left"
            time.sleep(0.01)
    assert ran.stdout
