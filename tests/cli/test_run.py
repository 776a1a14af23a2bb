"""`golden-path run` and `platform serve` as commands: options, exit statuses, and a clean end."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from gp_helpers.cli import main
from gp_helpers.evidence import ExitStatus
from gp_helpers.history import read
from gp_helpers.platform.defects.catalogue import defects_of
from tests.cloud_run.conftest import is_alive

CASE = "auth.validation_cascade"
DEFECT = "auth.gateway_local_secret"
TINY = ("run", "--isolation", "thread", "--case", CASE)
RUNS = {
    "not-met": ("--env", "remediated", "--wiring", "as_reported"),
    "one-defect": ("--defect", DEFECT, "--seed", "7", "--expect", "reproduce", "--json"),
}
COMMAND = (sys.executable, "-c", "import sys; from gp_helpers.cli import main; sys.exit(main())")
SECONDS = 60


@dataclass(frozen=True)
class Ran:
    """A run that has ended, and the folder that it left."""

    folder: Path
    status: int
    out: str
    err: str

    @property
    def case(self) -> dict[str, Any]:
        """The only case of what `--json` printed."""
        [verdicts] = json.loads(self.out)
        assert verdicts == json.loads((self.folder / "verdicts.json").read_text())
        [case] = verdicts["cases"]
        assert isinstance(case, dict)
        return case


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ran]:
    """One as a command, and beside it one in this process."""
    outputs = tmp_path_factory.mktemp("outputs")

    def words(name: str) -> list[str]:
        return [*TINY, "--outputs", str(outputs), "--run-id", name, *RUNS[name]]

    command, here = RUNS
    with subprocess.Popen(
        [*COMMAND, *words(command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as ended:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = main(words(here))
        said = ended.communicate(timeout=SECONDS)
    return {
        command: Ran(outputs / command, ended.returncode, *said),
        here: Ran(outputs / here, status, out.getvalue(), err.getvalue()),
    }


def test_exactly_the_named_defect_is_on_with_the_seed_that_was_given(runs: dict[str, Ran]) -> None:
    ran = runs["one-defect"]
    assert ran.status == ExitStatus.MET, ran.err
    assert (ran.case["case"], ran.case["outcome"], ran.case["met"]) == (CASE, "fail", True)
    assert ran.case["findings"] == ["AUTH_GOOD_TOKEN_REFUSED"]
    header = read(ran.folder / "histories" / f"{CASE}.trial.1.jsonl").header
    assert header["defects"] == [DEFECT] != sorted(defects_of(CASE))
    assert header["seed"] == 7


def test_the_wiring_replaces_the_environments_and_what_is_not_met_is_status_1(
    runs: dict[str, Ran],
) -> None:
    ran = runs["not-met"]
    assert ran.status == ExitStatus.NOT_MET, ran.err
    [line] = [line for line in ran.out.splitlines() if CASE in line]
    assert line.split()[:4] == [CASE, "FAIL", "NOT", "MET"]
    assert re.search(r"^evidence  .*index\.html  digest [0-9a-f]{16,64}$", ran.out, re.M)
    assert (ran.folder / "index.html").is_file()
    assert re.search(r"01_auth_token_cascades: cell (\d+) of \1 failed", ran.err)
    header = read(ran.folder / "histories" / f"{CASE}.trial.1.jsonl").header
    assert set(header["defects"]) == defects_of(CASE)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--suite", "nope"], "unknown suite 'nope'; known: auth, factory, journey"),
        (["--suite", "ath"], "unknown suite 'ath'; did you mean auth?"),
        (["--case", "auth.timming"], "unknown case 'auth.timming'; did you mean auth.timing"),
        (["--defect", "auth.prefix_cach"], "auth.prefix_cache"),
        (["--env", "remediate"], "did you mean remediated?"),
        (["--seed", "-1"], "seed"),
        (["--users", "1"], "concurrent_users"),
        (["--run-id", ""], "a run id is"),
        (["--env", "as_reported", "--env", "remediated", "--run-id", "x"], "names one folder"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_usage_is_status_3_and_leaves_no_run(
    options: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outputs = tmp_path / "outputs"
    assert main(["run", "--outputs", str(outputs), *options]) == ExitStatus.USAGE
    assert said in capsys.readouterr().err
    assert not outputs.exists()


@pytest.mark.parametrize(
    "options",
    [
        ["--wiring", "repaired"],
        ["--expect", "success"],
        ["--quiet", "--json"],
        ["--wiring", "as_reported", "--defect", DEFECT],
    ],
)
def test_an_option_that_is_not_understood_is_status_3(
    options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["run", *options])
    assert ended.value.code == ExitStatus.USAGE
    assert options[0] in capsys.readouterr().err


def descendants_of(pid: int) -> Iterator[int]:
    """The processes that a process has started, and those that these have."""
    for thread in Path(f"/proc/{pid}/task").iterdir():
        for child in (thread / "children").read_text().split():
            yield int(child)
            yield from descendants_of(int(child))


@pytest.mark.skipif(
    sys.platform != "linux", reason="not run here: processes are found in Linux's /proc"
)
def test_a_served_platform_ends_in_order_on_sigterm_and_leaves_no_process() -> None:
    serving = subprocess.Popen(
        [*COMMAND, "platform", "serve", "--json"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert serving.stdout is not None
        address = json.loads(serving.stdout.readline())["services"]["ingress"]
        assert httpx.get(f"{address}/health/ready", timeout=10, verify=False).status_code == 200
        started = set(descendants_of(serving.pid))
        assert len(started) > 2
        serving.send_signal(signal.SIGTERM)
        said, _ = serving.communicate(timeout=20)
    finally:
        serving.kill()
        serving.wait()
    assert (serving.returncode, said) == (ExitStatus.MET, "stopped\n")
    assert [pid for pid in started if is_alive(pid)] == []
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{address}/health/ready", timeout=10, verify=False)


@pytest.mark.parametrize("opened", [os.pipe, os.openpty], ids=["a pipe", "a terminal"])
@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["at the end", "at the first line"])
def test_a_reader_that_goes_away_early_is_no_traceback(
    unbuffered: str, opened: Callable[[], tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    # Before the command begins: on a busy machine it may have printed all by the time it is closed.
    reading, writing = opened()
    os.close(reading)
    ended = subprocess.run([*COMMAND, "cases"], stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert ended.stderr == b""
    assert ended.returncode == 128 + signal.SIGPIPE
