"""Real runs against an application that repeats every secret: none of them is in any output.

The application tells passwords, keys, tokens and cookies in replies, headers, messages, exceptions
and on its output, and is asked well, dies, or is being asked when the run is stopped or killed.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from gp_helpers.cases import Role, opening
from gp_helpers.cli.main import main
from gp_helpers.evidence import (
    ExitStatus,
    RunFolder,
    bundle,
    exit_status,
    finalise,
    read_run,
    scan,
)
from gp_helpers.execution.trials import Plan, defects_for, run_trial
from gp_helpers.parameters import load, resolved, validate
from gp_helpers.probes import new_client
from gp_helpers.targets import embedded
from gp_helpers.workbook.trials import HeldTrial, Order
from tests.support.repository import ROOT

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="not run here: processes are found in Linux's /proc"
)

LEAKY = Path(__file__).parent / "leaky"
KEY = "service-key~51ab09ffe2c4"
JOURNEY = "journey.login_to_answer"
ASKED_WITHIN_S = 60.0
NO_SECRET = "embedded"
"""What the embedded model server takes for a key: everybody knows it."""


class LeakyRun:
    """A `golden-path run` on the leaky application, in a process of its own."""

    def __init__(
        self, folder: Path, parameters: Sequence[Path], referred: Mapping[str, str], *more: str
    ) -> None:
        self.issued_file = folder / "issued"
        self.outputs = folder / "outputs"
        command = [sys.executable, "-m", "gp_helpers.cli.main", "run", "--quiet"]
        command += [word for path in parameters for word in ("--env", str(path))]
        self.process = subprocess.Popen(
            [*command, "--outputs", str(self.outputs), *more],
            cwd=ROOT,
            env=os.environ
            | {"LEAKY_FOLDER": str(LEAKY), "LEAKY_API_KEY": KEY}
            | {"LEAKY_ISSUED": str(self.issued_file)}
            | referred,
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


def stated(folder: Path, mode: str) -> Path:
    """The parameter file of the leaky application in a mode."""
    path = folder / f"asgi_{mode}.yaml"
    path.write_text((LEAKY / "leaky.yaml").read_text().replace("${LEAKY_MODE}", mode))
    return path


def deployed_as(folder: Path, mode: str) -> Path:
    """The parameter file of the leaky application as a deployment."""
    path = folder / f"deployment_{mode}.yaml"
    data = yaml.safe_load((LEAKY / "leaky.yaml").read_text())
    target = data["target"] | {"kind": "deployment", "limits": {"seconds": 60}}
    del target["path"], target["applications"]
    text = yaml.safe_dump(data | {"target": target}, allow_unicode=True)
    path.write_text(
        text.replace("{backend.url}", "${LEAKY_URL}").replace(
            "{backend.ws_url}", "${LEAKY_SOCKET_URL}"
        )
    )
    return path


@contextlib.contextmanager
def deployed(folder: Path, mode: str) -> Iterator[dict[str, str]]:
    """The leaky application as a deployment; gives what its parameter file refers to."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "--fd", str(listening.fileno()), "leaky:app"],
            cwd=LEAKY,
            env=os.environ
            | {"LEAKY_MODE": mode, "LEAKY_API_KEY": KEY, "LEAKY_ISSUED": str(folder / "issued")},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[listening.fileno()],
        )
    try:
        yield {
            "LEAKY_URL": f"http://127.0.0.1:{port}",
            "LEAKY_SOCKET_URL": f"ws://127.0.0.1:{port}",
        }
    finally:
        process.kill()
        process.wait()


def children_of(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def stop(run: LeakyRun, how: str) -> None:
    run.wait_until_asked()
    if how == "kernels killed":
        for pid in run.kernels():
            os.kill(pid, signal.SIGKILL)
    else:
        run.process.send_signal(signal.SIGINT if how == "interrupted" else signal.SIGKILL)


@dataclass(frozen=True)
class Ended:
    """A run that ended by itself: three environments, of which two die."""

    folder: Path
    said: str
    status: int | None
    secrets: set[str]

    def run_of(self, environment: str) -> Path:
        """The folder of an environment's run."""
        [folder] = (self.folder / "outputs").glob(f"*-{environment}-*")
        return folder


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    folder = tmp_path_factory.mktemp("leaky")
    files = [stated(folder, "answers"), stated(folder, "dies"), deployed_as(folder, "dies")]
    with deployed(folder, "dies") as referred:
        run = LeakyRun(folder, files, referred)
        said = run.finish()
    return Ended(folder, said, run.process.returncode, run.secrets())


def test_no_file_of_a_run_that_ended_and_nothing_that_it_said_holds_a_secret(
    ended: Ended, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEAKY_API_KEY", KEY)
    assert ended.status == ExitStatus.NOT_MET, ended.said
    holds_none(ended.folder / "outputs", ended.secrets)
    assert [one for one in ended.secrets if one in ended.said] == []


@pytest.mark.parametrize("environment", ["asgi_answers", "asgi_dies", "deployment_dies"])
def test_no_evidence_of_a_run_that_ended_holds_a_secret(
    ended: Ended, environment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEAKY_API_KEY", KEY)
    folder = ended.run_of(environment)
    assert exit_status(read_run(folder).verdicts) is ExitStatus.NOT_MET
    tells_what_it_left_out(folder, ended.secrets)
    # In a process of its own: here a small check stands for the suites'.
    command = [sys.executable, "-m", "gp_helpers.cli.main", "recheck", str(folder)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == ExitStatus.MET, checked.stdout
    if environment == "asgi_answers":
        # What the application printed is kept, without its secrets.
        log = (folder / "logs" / f"{JOURNEY}.trial.1" / "backend-1.log").read_text()
        assert [
            word for word in ("told: ‹token ", "and again: ", "‹cookie ") if word not in log
        ] == []


@pytest.mark.parametrize(
    ("how", "status"), [("interrupted", 130), ("kernels killed", 2), ("killed", -9)]
)
def test_no_output_of_a_run_that_was_ended_holds_a_secret(
    how: str, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEAKY_API_KEY", KEY)
    run = LeakyRun(tmp_path, [stated(tmp_path, "waits")], {}, "--run-id", "leaky")
    try:
        stop(run, how)
        said = run.finish()
    finally:
        run.process.kill()
    assert run.process.returncode == status, said
    folder, secrets = run.outputs / "leaky", run.secrets()
    if how == "killed":
        finalise(folder)
    tells_what_it_left_out(folder, secrets)
    holds_none(run.outputs, secrets)
    assert [one for one in secrets if one in said] == []


def leaking_here(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    """Let this process run the leaky application; returns the file of what it issues."""
    issued = folder / "issued"
    for name, value in {"FOLDER": LEAKY, "API_KEY": KEY, "ISSUED": issued}.items():
        monkeypatch.setenv(f"LEAKY_{name}", str(value))
    return issued


ENDS_BEFORE_ITS_TRIAL = """
import asyncio, sys
from pathlib import Path
from gp_helpers.cases import Role
from gp_helpers.parameters import load, resolved
from gp_helpers.workbook.trials import HeldTrial, Order

async def taken():
    parameters = resolved(load(sys.argv[1]))
    history, logs = Path(sys.argv[2]), Path(sys.argv[3])
    order = Order("journey.login_to_answer", parameters, frozenset(), Role.TRIAL, 1, history, logs)
    trial = HeldTrial(order)
    await trial.open()
    for step in trial.steps[:2]:
        await trial.take(step)
    raise ValueError("a cell of somebody's own")

asyncio.run(taken())
"""


def test_no_log_is_left_as_it_was_written_where_a_process_ends_before_its_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    issued = leaking_here(monkeypatch, tmp_path)
    logs = tmp_path / "logs" / "trial"
    words = [str(stated(tmp_path, "answers")), str(tmp_path / "history.jsonl"), str(logs)]
    ended = subprocess.run(
        [sys.executable, "-c", ENDS_BEFORE_ITS_TRIAL, *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "ValueError: a cell of somebody's own" in ended.stderr
    secrets = {KEY, *issued.read_text().split()}
    assert "told: ‹token " in (logs / "backend-1.log").read_text()
    assert scan(tmp_path / "logs", secrets).findings == ()
    assert os.listdir(tmp_path / "logs") == ["trial"]


def test_no_log_holds_a_secret_that_was_issued_in_an_answer_that_never_came(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    issued = leaking_here(monkeypatch, tmp_path)
    parameters = resolved(load(str(stated(tmp_path, "keeps"))))
    logs, history = tmp_path / "logs", tmp_path / "history.jsonl"
    trial = HeldTrial(Order(JOURNEY, parameters, frozenset(), Role.TRIAL, 1, history, logs))

    async def taken() -> None:
        await trial.open()
        for step in trial.steps:
            if not trial.is_over:
                await trial.take(step)
        await trial.close()

    asyncio.run(taken())
    secrets = set(issued.read_text().split())
    assert {one.partition("~")[0] for one in secrets} >= {"opaque", "session-cookie"}
    assert scan(logs, secrets).findings == ()
    assert (logs / "backend-1.log").read_text().startswith("‹withheld: http-")


def test_no_log_that_is_kept_of_unattended_trials_holds_a_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    issued = leaking_here(monkeypatch, tmp_path)
    environment, kept = stated(tmp_path, "answers"), tmp_path / "kept"
    asked = ["soak", JOURNEY, "--env", str(environment), "--trials", "1", "--keep", str(kept)]
    assert main(asked) == ExitStatus.NOT_MET
    secrets = {KEY, *issued.read_text().split()}
    assert scan(kept, secrets).findings == ()
    [log] = kept.glob("logs/*/backend-1.log")
    assert "told: ‹token " in log.read_text()


def holds_none(outputs: Path, secrets: set[str]) -> None:
    """Nothing in a folder holds a secret, whether our scan or somebody else's looks."""
    assert len(secrets) >= 4
    assert {one.partition("~")[0] for one in secrets} >= {"opaque", "session-cookie", "service-key"}
    assert scan(outputs, secrets).findings == ()
    for path in outputs.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert [one for one in secrets if one.encode() in content] == [], path


def tells_what_it_left_out(folder: Path, secrets: set[str]) -> None:
    """A run's bundle holds no secret, and its evidence says what was looked for and replaced."""
    assert scan(bundle(folder).path, secrets).findings == ()
    told = json.loads((folder / "secrets.json").read_text())
    assert told["findings"] == []
    assert told["known_secrets"] >= 1
    assert "None was found." in (folder / "index.html").read_text()
    history = (folder / "histories" / f"{JOURNEY}.trial.1.jsonl").read_text()
    assert "‹environment " in history
    assert "‹token " in history
    assert read_run(folder).verdicts["cases"][1]["outcome"] != "pass"
    assert list((folder / "logs").glob(".*")) == []


class Overheard:
    """What the requests of a client hold that must not leave, taken off the wire."""

    def __init__(self) -> None:
        self.secrets: dict[str, set[str]] = {}

    def probing(self, **how: Any) -> httpx.AsyncClient:
        """The client of a trial, overheard."""
        client = new_client(**how)
        client.event_hooks["request"].append(self.take)
        return client

    async def take(self, request: httpx.Request) -> None:
        for name, value in request.headers.items():
            if name in ("authorization", "x-service-secret", "cookie"):
                self._add(name, value.removeprefix("Bearer "))
        with contextlib.suppress(ValueError, httpx.RequestNotRead):
            said = json.loads(request.content)
            for name, value in said.items() if isinstance(said, dict) else ():
                if "password" in name or "token" in name:
                    self._add(name, str(value))

    def _add(self, name: str, value: str) -> None:
        self.secrets.setdefault(name, set()).add(value)


def embedded_run(outputs: Path, case: str, target: dict[str, Any]) -> tuple[Path, Overheard]:
    """A run of one trial on the embedded platform, and its secrets."""
    parameters = validate(
        {"target": {"kind": "embedded", **target}, "cases": [case]}, source="test"
    )
    heard = Overheard()

    async def trial(folder: Path) -> None:
        plan = Plan(case, parameters, defects_for(parameters, case), 1, 1, folder)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(opening, "new_client", heard.probing)
            await run_trial(plan, 1)

    with RunFolder.create(outputs, parameters, environment="e", run_id="ours") as run:
        asyncio.run(trial(run.path))
        finalise(run)
    return run.path, heard


@pytest.mark.parametrize(
    ("case", "target", "outcome"),
    [
        ("auth.context_isolation", {"isolation": "thread"}, "fail"),
        ("journey.error_recovery", {"wiring": "remediated"}, "pass"),
    ],
    ids=["failing", "with services that die"],
)
def test_no_secret_of_the_embedded_platform_is_in_an_output(
    case: str,
    target: dict[str, Any],
    outcome: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.undo()  # the suites' own checks
    platforms = []
    made = embedded._Secrets

    def noted(*secrets: str) -> Any:
        platforms.append(secrets)
        return made(*secrets)

    monkeypatch.setattr(embedded, "_Secrets", noted)
    path, heard = embedded_run(tmp_path, case, target)
    [judged] = read_run(path).verdicts["cases"]
    assert (judged["outcome"], judged["trials"][0]["unfinished"]) == (outcome, None)
    assert heard.secrets.keys() >= {"authorization", "password"}
    secrets = set().union(*heard.secrets.values(), *platforms) - {NO_SECRET}
    assert len(platforms) == 1
    assert scan(bundle(path).path, secrets).findings == ()
    assert scan(path, secrets).findings == ()
    assert list((path / "logs").rglob("*.log"))
