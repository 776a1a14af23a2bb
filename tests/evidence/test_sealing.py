"""Until a run is sealed nothing in its folder says that it came to its end."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gp_helpers.evidence import finalise, finalising, read_run, recheck
from tests.evidence.stories import a_run, loaded
from tests.support.repository import ROOT

MADE = ("environment.json", "verdicts.json", "summary.md", "junit.xml", "index.html")


def digests(path: Path) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in path.iterdir() if one.is_file()}


def test_an_end_that_is_interrupted_has_said_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    path = a_run(tmp_path)
    before = digests(path)
    with monkeypatch.context() as patched:
        patched.setattr(finalising, "with_those_left", interrupted)
        with pytest.raises(KeyboardInterrupt):
            finalise(path)
    assert loaded(path / "environment.json")["ended"] is None
    assert digests(path) == before
    sealed = finalise(path)
    after = digests(path)
    assert after.keys() - before.keys() >= set(MADE) - {"environment.json"}
    with monkeypatch.context() as patched:
        patched.setattr(finalising, "with_those_left", interrupted)
        with pytest.raises(KeyboardInterrupt):
            finalise(path, reason="somebody writes it again")
    assert digests(path) == after
    assert finalise(path).digest == sealed.digest


KILLED_WHEN_SEALED = """
import os, signal, sys
from pathlib import Path
from gp_helpers.evidence import RunFolder, finalise
from tests.evidence.stories import parameters, tell
outputs = Path(sys.argv[1])
run = RunFolder.create(outputs, parameters(), environment="as_reported", run_id="whole")
tell(run)
RunFolder.close = lambda _: os.kill(os.getpid(), signal.SIGKILL)
finalise(run)
"""


def test_a_run_that_was_sealed_stays_whole_though_its_process_is_killed(tmp_path: Path) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_WHEN_SEALED, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    path = tmp_path / "whole"
    assert (path / ".owner").exists()
    ended = json.loads((path / "environment.json").read_bytes())["ended"]
    assert ended["reason"] is None
    final = finalise(path)
    assert loaded(path / "environment.json")["ended"] == ended
    assert read_run(path).is_final
    assert not (path / ".owner").exists()
    assert recheck(path, expect=final.digest).holds
    assert final.verdicts["cases"][0]["case"] == loaded(path / "verdicts.json")["cases"][0]["case"]
