"""Faults between probes and a platform that nobody can change: named, put, felt; or not put."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from gp_helpers.checkers import ClaimState, Outcome, Verdict
from gp_helpers.cli.main import main
from gp_helpers.execution.trials import Plan, run_plan
from gp_helpers.faults import (
    ANY_FRAME,
    NAMES,
    DropFrame,
    HoldUntilPassed,
    InterventionNotAllowed,
)
from gp_helpers.history import Kind
from gp_helpers.history.recording import read
from gp_helpers.parameters import EmbeddedTarget, Isolation, Parameters, validate
from gp_helpers.parameters.description import FAULTS
from gp_helpers.targets import Arrangement, Hop, Unavailable, open_target
from tests.support.repository import ROOT
from tests.targets.conftest import SmallPlatform, described, opened, serving

CUT, HOLD = "network_cut", "frame_hold"
RECOVERY, RACE, HANDSHAKES = (
    "journey.error_recovery",
    "websocket.cleanup_race",
    "websocket.handshake_race",
)
BROKEN = "journey.forgotten_request_ids,websocket.no_replay"


@contextmanager
def served(wiring: str, folder: Path) -> Iterator[Mapping[str, str]]:
    """The embedded platform run by the command line, as a platform of somebody else's."""
    command = [sys.executable, "-m", "gp_helpers.cli.main", "platform", "serve", "--json"]
    process = subprocess.Popen(
        [*command, "--wiring", wiring, "--logs", str(folder)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        services: Mapping[str, str] = json.loads(process.stdout.readline())["services"]
        yield services
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)


@pytest.fixture(scope="module")
def remediated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    with served("remediated", tmp_path_factory.mktemp("remediated")) as services:
        yield services


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    with served(BROKEN, tmp_path_factory.mktemp("broken")) as services:
        yield services


def stated(services: Mapping[str, str], faults: Sequence[str]) -> dict[str, Any]:
    """A parameter file for it: that of staging, with users made afresh."""
    text = (ROOT / "parameters/staging.yaml").read_text()
    socket = services["ingress"].replace("http://", "ws://")
    for variable, value in (
        ("STAGING_AUTH_URL", services["auth"]),
        ("STAGING_API_URL", services["ingress"]),
        ("STAGING_SOCKET_URL", socket),
    ):
        text = text.replace(f"${{{variable}}}", value)
    data: dict[str, Any] = yaml.safe_load(text)
    target = data["target"]
    del target["auth"]["validators"]["auth"]
    fields = {"email": "{user.email}", "password": "{user.password}", "name": "{user.name}"}
    url = f"{services['auth']}/auth/register"
    target["accounts"] = {"register": {"method": "POST", "url": url, "json": fields}}
    target["billing"] = {"url": f"{services['ingress']}/api/billing", "bearer": "{token}"}
    target["silence_after_s"] = 0.4
    target["limits"]["faults"] = list(faults)
    return {**data, "expectation": "none"}


def judged(data: dict[str, Any], case: str) -> Verdict:
    parameters = validate(data, source="test")
    [result] = asyncio.run(run_plan(Plan(case, parameters, frozenset(), 1, 1)))
    return result.verdict


@pytest.mark.parametrize(
    ("case", "faults"),
    [(RECOVERY, [CUT, HOLD]), (RACE, [CUT, HOLD]), (HANDSHAKES, [HOLD])],
)
def test_with_the_fault_named_a_healthy_platform_passes(
    remediated: Mapping[str, str], case: str, faults: list[str]
) -> None:
    verdict = judged(stated(remediated, faults), case)
    assert verdict.outcome is Outcome.PASS, verdict.reason


@pytest.mark.parametrize("case", [RECOVERY, RACE])
def test_a_cut_that_may_come_too_late_is_never_held_against_a_healthy_platform(
    remediated: Mapping[str, str], case: str
) -> None:
    """Where nothing may be held, an answer may be there before the cut."""
    verdict = judged(stated(remediated, [CUT]), case)
    assert verdict.outcome in (Outcome.PASS, Outcome.INCONCLUSIVE), verdict.reason
    assert verdict.outcome is Outcome.PASS or "not" in verdict.reason


def test_the_end_of_an_answer_is_lost_with_the_connection_however_fast_the_platform_is(
    tmp_path: Path,
) -> None:
    async def verdict() -> Verdict:
        small = SmallPlatform()
        async with serving(small.application()) as port:
            target = described(port)
            target["limits"]["faults"] = [CUT, HOLD]
            parameters = Parameters.model_validate({"target": target, "expectation": "none"})
            [result] = await run_plan(Plan(RACE, parameters, frozenset(), 1, 1, tmp_path))
            return result.verdict

    assert asyncio.run(verdict()).findings == ("WS_MESSAGES_LOST_WHILE_AWAY",)
    [path] = (tmp_path / "histories").glob("*.jsonl")
    [held] = [e.data for e in read(path).of(Kind.MEASURED) if e.subject == "messages held"]
    assert held["value"] == 1


@pytest.mark.anyio
async def test_the_embedded_platform_has_the_same_control(tmp_path: Path) -> None:
    for is_framed in (True, False):
        async with open_target(
            EmbeddedTarget(isolation=Isolation.THREAD),
            defects=frozenset(),
            arrangement=Arrangement(framed=is_framed),
            folder=tmp_path,
        ) as target:
            if is_framed:
                assert target.socket_via is not None
                assert target.socket_via.port == target.controls.frame_proxy().port
            else:
                assert target.socket_via is None
                with pytest.raises(Unavailable, match="does not ask for it"):
                    target.controls.frame_proxy()


def test_what_is_told_twice_by_one_seed_is_new_to_a_platform_that_goes_on(
    remediated: Mapping[str, str],
) -> None:
    for _ in range(2):
        verdict = judged(stated(remediated, []), "websocket.event_manager_init")
        assert verdict.outcome is Outcome.PASS, verdict.reason


@pytest.mark.parametrize(
    ("case", "finding"),
    [(RECOVERY, "JOURNEY_DONE_TWICE"), (RACE, "WS_MESSAGES_LOST_WHILE_AWAY")],
)
def test_with_the_fault_named_a_broken_platform_is_found(
    broken: Mapping[str, str], case: str, finding: str
) -> None:
    verdict = judged(stated(broken, [CUT, HOLD]), case)
    assert (verdict.outcome, finding in verdict.findings) == (Outcome.FAIL, True), verdict.reason


@pytest.mark.parametrize(
    ("case", "faults", "missing"),
    [(RECOVERY, [HOLD], CUT), (RACE, [HOLD], CUT), (HANDSHAKES, [CUT], HOLD)],
)
def test_without_it_the_case_is_inconclusive_and_says_which_one_to_name(
    remediated: Mapping[str, str],
    case: str,
    faults: list[str],
    missing: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    data = stated(remediated, faults)
    verdict = judged(data, case)
    assert verdict.outcome is Outcome.INCONCLUSIVE, verdict.reason
    assert f"limits.faults does not name {missing}" in verdict.reason
    path = tmp_path / "target.yaml"
    path.write_text(yaml.safe_dump(data))
    assert main(["target", "check", "--quiet", "--env", str(path)]) == 0
    told = capsys.readouterr().out
    [row] = [line for line in told.splitlines() if case in line]
    assert row.startswith(f"  # {case}: ")
    assert f"limits.faults does not name {missing}" in row


def test_the_table_says_through_which_fault_a_case_can_be_judged(
    remediated: Mapping[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "target.yaml"
    path.write_text(yaml.safe_dump(stated(remediated, [CUT, HOLD])))
    assert main(["target", "check", "--quiet", "--env", str(path)]) == 0
    told = capsys.readouterr().out
    assert f"  - {RECOVERY}  # through network_cut, frame_hold" in told
    assert f"  - {HANDSHAKES}  # through frame_hold" in told
    assert "  - journey.performance_under_load  # through load" in told
    assert "  - auth.validation_cascade\n" in told.replace("  # without", "\n  # without")


class Impatient:
    """Serves whoever speaks in the order of the handshakes, whoever it is that speaks."""

    def __init__(self) -> None:
        self.waiting: list[WebSocket] = []

    async def talk(self, socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_json({"kind": "hi"})
        self.waiting.append(socket)
        answers_to = None
        try:
            while True:
                said = await socket.receive_json()
                answers_to = answers_to or self.waiting.pop(0)
                await answers_to.send_json({"kind": "pong", "n": said["n"]})
        except WebSocketDisconnect:
            return

    def application(self) -> Starlette:
        async def up(_: object) -> JSONResponse:
            return JSONResponse({})

        return Starlette(routes=[Route("/up", up), WebSocketRoute("/socket", self.talk)])


def test_who_is_heard_in_another_order_than_they_came_shows_what_depends_on_it() -> None:
    async def verdict() -> Verdict:
        async with serving(Impatient().application()) as port:
            target = described(port)
            target["auth"] = {"token": {"static": "any"}}
            target["accounts"] = {"inline": "[{email: a}, {email: b}, {email: c}, {email: d}]"}
            target["health"] = {"up": {"url": f"http://127.0.0.1:{port}/up"}}
            target["limits"]["faults"] = [HOLD]
            ping = {"send": {"n": "{ping_id}"}, "pong": "kind == 'pong' && n == '{ping_id}'"}
            target["websocket"] |= {"ping": ping}
            parameters = Parameters.model_validate({"target": target, "expectation": "none"})
            [result] = await run_plan(Plan(HANDSHAKES, parameters, frozenset(), 1, 1))
            return result.verdict

    found = asyncio.run(verdict())
    assert found.findings == ("WS_SILENT_CONNECTION",), found.reason
    claims = {claim.name: claim.state for claim in found.claims}
    assert claims["order_was_turned"] is ClaimState.HELD


def test_every_treatment_of_messages_has_a_name_in_the_limits() -> None:
    assert {f"frame_{name}" for name in NAMES.values()} == set(FAULTS) - {CUT}


ALL = Arrangement(proxied=frozenset({Hop.CLIENT_INGRESS}), framed=True)


@pytest.mark.anyio
async def test_what_is_not_named_cannot_be_done(platform: SmallPlatform) -> None:
    target = described(platform.port)
    async with opened(target, arrangement=ALL) as lab:
        assert lab.target.socket_via is None
        with pytest.raises(Unavailable, match="does not name network_cut"):
            lab.target.controls.tcp_proxy(Hop.CLIENT_INGRESS)
        with pytest.raises(Unavailable, match="does not name frame_hold"):
            lab.target.controls.frame_proxy()
    target["limits"]["faults"] = [HOLD]
    async with opened(target, arrangement=ALL) as lab:
        plan = lab.target.controls.frame_proxy().plan
        plan.add(HoldUntilPassed(until=ANY_FRAME))
        with pytest.raises(InterventionNotAllowed, match="drop"):
            plan.add(DropFrame())
