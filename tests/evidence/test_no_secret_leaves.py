"""Real runs against an application that repeats every secret: none of them is in any output.

The application tells passwords, keys, tokens and cookies in replies, headers, messages, exceptions
and on its output, and is asked well, dies, or is being asked when the run is stopped or killed.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gp_helpers.evidence import bundle, finalise, read_run, scan
from tests.support.repository import ROOT

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="not run here: processes are found in Linux's /proc"
)

LEAKY = Path(__file__).parent / "leaky"
KEY = "service-key~51ab09ffe2c4"
JOURNEY = "journey.login_to_answer"
ASKED_WITHIN_S = 60.0


class LeakyRun:
    """A `golden-path run` on the leaky application, in a process of its own."""

    def __init__(self, folder: Path, mode: str) -> None:
        self.issued_file = folder / "issued"
        self.folder = folder / "outputs" / "leaky"
        command = [sys.executable, "-m", "gp_helpers.cli.main", "run", "--quiet"]
        command += ["--env", str(LEAKY / "leaky.yaml"), "--run-id", "leaky"]
        command += ["--outputs", str(folder / "outputs")]
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ
            | {"LEAKY_FOLDER": str(LEAKY), "LEAKY_MODE": mode, "LEAKY_API_KEY": KEY}
            | {"LEAKY_ISSUED": str(self.issued_file)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def wait_until_asked(self) -> None:
        """Until the application was asked something and keeps us waiting."""
        limit = time.monotonic() + ASKED_WITHIN_S
        while not self.issued_file.with_suffix(".asked").exists():
            assert self.process.poll() is None
            assert time.monotonic() < limit
            time.sleep(0.02)

    def kernels(self) -> list[int]:
        """The kernels: what the children of the runner have started."""
        return [
            kernel for keeper in children_of(self.process.pid) for kernel in children_of(keeper)
        ]

    def finish(self) -> str:
        """What it printed, once it has ended."""
        said, _ = self.process.communicate(timeout=90)
        return said

    def secrets(self) -> set[str]:
        """Everything that must not be in an output."""
        return {KEY, *self.issued_file.read_text().split()}


def children_of(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def stop(run: LeakyRun, how: str) -> None:
    run.wait_until_asked()
    if how == "kernels killed":
        for pid in run.kernels():
            os.kill(pid, signal.SIGKILL)
    else:
        run.process.send_signal(signal.SIGINT if how == "interrupted" else signal.SIGKILL)


@pytest.mark.parametrize(
    ("mode", "how", "status"),
    [
        ("answers", None, 1),
        ("dies", None, 1),
        ("waits", "interrupted", 130),
        ("waits", "kernels killed", 2),
        ("waits", "killed", -9),
    ],
)
def test_no_output_holds_a_secret(
    mode: str, how: str | None, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEAKY_API_KEY", KEY)
    run = LeakyRun(tmp_path, mode)
    try:
        if how is not None:
            stop(run, how)
        said = run.finish()
    finally:
        run.process.kill()
    assert run.process.returncode == status, said
    secrets = run.secrets()
    assert len(secrets) >= 4
    assert {one.partition("~")[0] for one in secrets} >= {"opaque", "session-cookie", "service-key"}
    if how == "killed":
        finalise(run.folder)
    packed = bundle(run.folder).path
    assert scan(tmp_path / "outputs", secrets).findings == ()
    assert scan(packed, secrets).findings == ()
    for path in (tmp_path / "outputs").rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert [one for one in secrets if one.encode() in content] == [], path
    assert [one for one in secrets if one in said] == []
    told = json.loads((run.folder / "secrets.json").read_text())
    assert told["findings"] == []
    assert told["known_secrets"] >= 1
    assert "None was found." in (run.folder / "index.html").read_text()
    history = (run.folder / "histories" / f"{JOURNEY}.trial.1.jsonl").read_text()
    assert "‹environment " in history
    assert "‹token " in history
    assert read_run(run.folder).verdicts["cases"][1]["outcome"] != "pass"
    if mode == "answers":
        # What the application printed is kept, without its secrets.
        log = (run.folder / "logs" / f"{JOURNEY}.trial.1" / "backend-1.log").read_text()
        assert [
            word for word in ("told: ‹token ", "and again: ", "‹cookie ") if word not in log
        ] == []
    assert list((run.folder / "logs").glob(".*")) == []
