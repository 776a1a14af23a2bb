"""Runs to test evidence with: real folders and real histories, told by the real recorder."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from gp_helpers.checkers.component_checks import checks_of_embedded
from gp_helpers.evidence import RunFolder, finalise
from gp_helpers.evidence.files import as_json
from gp_helpers.evidence.manifest import MANIFEST_FILE, build
from gp_helpers.evidence.source import FolderEvidence
from gp_helpers.history import Kind, Recorder, Redactor, read
from gp_helpers.parameters import EVENTS, Parameters, validate
from gp_helpers.plan import CASES, THRESHOLDS
from gp_helpers.platform.defects.catalogue import CATALOGUE

WALL = "2026-11-22T20:00:00+00:00"
CASE = "auth.validation_cascade"
OTHER = "auth.timing"
TOKEN = "opaque-token-5f1e7c"


def parameters(**stated: Any) -> Parameters:
    return validate({"cases": [CASE, OTHER], **stated}, source="test")


def defects_of(case: str) -> list[str]:
    """The defects that are on as reported."""
    return sorted(one.id for one in CATALOGUE.values() if one.case == case)


class Ticks:
    """A clock that goes on by a hundredth of a second whenever it is read."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 0.01
        return self.now


def healthy(recorder: Recorder, component: str, check: str) -> None:
    """Record that a component passed a check."""
    recorder.add(
        Kind.COMPONENT, "lab", component, component=component, check=check, healthy=True, detail=""
    )


def tell(
    run: RunFolder,
    case: str = CASE,
    *,
    status: int = 200,
    number: int = 1,
    role: str = "trial",
    end: str | None = "completed",
    redactor: Redactor | None = None,
    more: Callable[[Recorder], None] | None = None,
) -> Path:
    """Record a trial in which ada asks over HTTP and a WebSocket, and is answered with a status."""
    path = run.history_path(case, role, number)
    redactor = redactor or Redactor()
    redactor.register(TOKEN, "token")
    with Recorder(path, redactor, clock=Ticks()) as recorder:
        recorder.start(
            case=case, role=role, trial=number, seed=1175 + number, target="embedded",
            kind="embedded", optional_claims=[], lacking={}, answer_rules=None, wall=WALL,
            events=list(EVENTS), components=[list(owed) for owed in checks_of_embedded(case)],
            concurrent_users=3, defects=defects_of(case) if role == "trial" else [],
            thresholds={
                name: THRESHOLDS[name].limit for name in CASES[case].thresholds
            },
        )  # fmt: skip
        recorder.step = "components"
        recorder.add(Kind.STEP_STARTED, "lab", "components")
        first, *others = checks_of_embedded(case)
        healthy(recorder, *first)
        recorder.step = "ask"
        bearer = [["Authorization", f"Bearer {TOKEN}"], ["Content-Type", "application/json"]]
        asked = recorder.add(
            Kind.REQUEST, "ada", "http-1", method="POST",
            url="http://127.0.0.1:4711/api/chat/messages?mode=main&x=a%20b",
            headers=bearer, body={"content": "grüß <b>&"}, purpose="ask",
        )  # fmt: skip
        recorder.add(
            Kind.RESPONSE, "ada", "http-1", request=asked.seq, status=status,
            http_version="HTTP/1.1", headers=[["content-type", "application/json"]],
            body={"answer": 42}, ms=3.25,
        )  # fmt: skip
        url = "ws://127.0.0.1:4711/ws?mode=main"
        recorder.add(Kind.WS_OPENING, "ada", "ada-ws-1", url=url, headers=bearer, subprotocols=[])
        recorder.add(Kind.WS_OPENED, "ada", "ada-ws-1", subprotocol="golden-path.v1")
        recorder.add(Kind.WS_SENT, "ada", "ada-ws-1", message={"type": "ping", "id": "1"})
        recorder.add(Kind.WS_RECEIVED, "ada", "ada-ws-1", message={"type": "pong", "id": "1"})
        recorder.add(Kind.WS_CLOSED, "ada", "ada-ws-1", code=1000, reason="", by="us")
        recorder.add(Kind.WS_OPENING, "ada", "ada-ws-2", url=url, headers=[], subprotocols=[])
        recorder.add(
            Kind.WS_REFUSED, "ada", "ada-ws-2", status=401, reason="no", headers=[], body="{}"
        )
        lost = recorder.add(
            Kind.REQUEST, "ada", "http-2", method="GET", url="http://127.0.0.1:4711/slow",
            headers=[], body=None, purpose="lost",
        )  # fmt: skip
        recorder.add(
            Kind.NO_RESPONSE, "ada", "http-2", request=lost.seq, error="ReadTimeout: 10 s",
            definite=False, ms=10_000.0,
        )  # fmt: skip
        for owed in others:
            healthy(recorder, *owed)
        if more is not None:
            more(recorder)
        if end is not None:
            recorder.add(Kind.TRIAL_ENDED, "lab", outcome=end, error=None)
    return path


def a_run(
    outputs: Path, *, run_id: str = "run-1", statuses: tuple[int, ...] = (401,), **stated: Any
) -> Path:
    """A closed run, not finalised: the first case with these statuses, the second with 200."""
    with RunFolder.create(
        outputs, parameters(**stated), environment="as_reported", run_id=run_id
    ) as run:
        for number, status in enumerate(statuses, start=1):
            tell(run, status=status, number=number)
        tell(run, role="contrast")
        tell(run, OTHER)
        run.figure_path(CASE).write_text(FIGURE, encoding="utf-8")
        run.log_path(f"{CASE}/backend-1").write_text("started\n", encoding="utf-8")
    return run.path


def run_with(
    outputs: Path,
    run_id: str,
    environment: str = "e",
    stated: Mapping[str, Any] | None = None,
    **statuses: int | None,
) -> Path:
    """A finalised run: case (with ``__`` for ``.``) to status; None is selected and not reached."""
    chosen = {name.replace("__", "."): status for name, status in statuses.items()}
    ran = parameters(cases=list(chosen), **(stated or {}))
    with RunFolder.create(outputs, ran, environment=environment, run_id=run_id) as run:
        for case, status in chosen.items():
            if status is not None:
                tell(run, case, status=status)
    return finalise(run.path).path


def forged(place: Path) -> Path:
    """A run whose recorded verdicts say what its histories do not, with a manifest made to fit."""
    path = place / "verdicts.json"
    path.write_text(path.read_text().replace('"outcome": "fail"', '"outcome": "pass"'))
    manifest = build(FolderEvidence(place), loaded(place / MANIFEST_FILE)["run"])
    (place / MANIFEST_FILE).write_text(as_json(manifest))
    return place


FIGURE = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 20"><title>one</title>\n'
    '<text x="5" y="15" style="fill:#a33200">100 % "&amp;" ada</text></svg>\n'
)


def loaded(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def rewrite(path: Path, change: Callable[[list[str]], list[str]]) -> None:
    """Change the lines of a file."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(change(lines)), encoding="utf-8")


def length(path: Path) -> int:
    return len(read(path))
