"""Three systems from PyPI that know nothing of the workbook, judged through their parameter files.

What they are found to do is theirs; the tests hold that the cases see it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gp_helpers.checkers import Outcome, Verdict
from gp_helpers.cli.main import main
from gp_helpers.execution.trials import Plan, run_plan
from gp_helpers.history import Kind
from gp_helpers.history.recording import read
from gp_helpers.parameters import load, resolved
from tests.support.repository import ROOT
from tests.targets.systems import starting

pytestmark = pytest.mark.needs("thirdparty")

EXAMPLES = ROOT / "parameters/examples"


def _running(name: str, folder: Path) -> Iterator[str]:
    start = {
        "jupyter_server": starting.jupyter_server,
        "chainlit": starting.chainlit,
        "moonraker": starting.moonraker,
    }[name]
    with pytest.MonkeyPatch.context() as patch, start(folder) as environment:
        for variable, value in environment.items():
            patch.setenv(variable, value)
        yield str(EXAMPLES / f"{name}.yaml")


@pytest.fixture(scope="module")
def jupyter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    yield from _running("jupyter_server", tmp_path_factory.mktemp("jupyter"))


@pytest.fixture(scope="module")
def chainlit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    yield from _running("chainlit", tmp_path_factory.mktemp("chainlit"))


@pytest.fixture(scope="module")
def moonraker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    yield from _running("moonraker", tmp_path_factory.mktemp("moonraker"))


def judged(environment: str, case: str, keep: Path | None = None) -> Verdict:
    parameters = resolved(load(environment))
    [result] = asyncio.run(run_plan(Plan(case, parameters, frozenset(), 1, 1, keep)))
    return result.verdict


PASSED_BY_ALL = (
    "auth.validation_cascade",
    "websocket.event_manager_init",
    "websocket.connection_interference",
    "journey.multi_user_isolation",
)


@pytest.mark.parametrize("case", PASSED_BY_ALL)
@pytest.mark.parametrize("system", ["jupyter", "chainlit", "moonraker"])
def test_a_case_that_the_system_passes_is_passed(
    system: str, case: str, request: pytest.FixtureRequest
) -> None:
    verdict = judged(request.getfixturevalue(system), case)
    assert verdict.outcome is Outcome.PASS, verdict.reason


def test_what_chainlit_sends_while_nobody_is_connected_is_lost(
    chainlit: str, tmp_path: Path
) -> None:
    """Chainlit's issue 2201, by our own case and its parameter file alone."""
    verdict = judged(chainlit, "websocket.cleanup_race", tmp_path)
    assert verdict.outcome is Outcome.FAIL, verdict.reason
    assert verdict.findings == ("WS_MESSAGES_LOST_WHILE_AWAY",)
    claims = {claim.name: claim.state.value for claim in verdict.claims}
    assert claims["served_before"] == claims["served_after"] == "held"


def test_chainlits_token_lives_on_after_log_out(chainlit: str) -> None:
    verdict = judged(chainlit, "auth.timing")
    assert "AUTH_REVOKED_TOKEN_ACCEPTED" in verdict.findings


def test_an_idle_of_another_request_does_not_end_ours(jupyter: str, tmp_path: Path) -> None:
    judged(jupyter, "websocket.event_manager_init", tmp_path)
    [path] = (tmp_path / "histories").glob("*.jsonl")
    foreign = [
        entry
        for entry in read(path).of(Kind.WS_RECEIVED)
        if "agent_completed" in entry.data["events"] and entry.data["request_id"] is None
    ]
    assert foreign, "Jupyter Server sent no idle of its own"


@pytest.mark.parametrize("system", ["jupyter", "chainlit", "moonraker"])
def test_the_check_walks_it_without_a_problem_and_without_a_secret(
    system: str, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["target", "check", "--env", request.getfixturevalue(system)]) == 0
    told = capsys.readouterr().out
    assert "ok           ask" in told
    assert "  - websocket.cleanup_race" in told
    assert "pw-of-" not in told
    assert "jupyter-static-token" not in told


def test_nothing_is_left_behind_in_jupyter_server(jupyter: str) -> None:
    judged(jupyter, "websocket.event_manager_init")
    parameters = resolved(load(jupyter))
    target = parameters.target
    url = target.auth.validators["kernels"].url  # type: ignore[union-attr]
    token = target.auth.token.static  # type: ignore[union-attr]
    kernels = httpx.get(url, headers={"Authorization": f"token {token}"}, trust_env=False).json()
    assert kernels == []
