"""Somebody's own ASGI applications, of a shape unlike ours, under our cases."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gp_helpers.checkers import ClaimState, Outcome, Verdict
from gp_helpers.cli.main import main
from gp_helpers.execution.trials import Plan, run_plan
from gp_helpers.parameters import load, resolved
from gp_helpers.targets.user_code import UserCodeError, ask_user_code

DESK = Path(__file__).parent / "desk"


@pytest.fixture
def in_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DESK_FOLDER", str(DESK))
    monkeypatch.setenv("DESK_NOTES", str(tmp_path))
    monkeypatch.setenv("DESK_VARIANT", "right")


def verdict(case: str, variant: str, monkeypatch: pytest.MonkeyPatch) -> Verdict:
    monkeypatch.setenv("DESK_VARIANT", variant)
    parameters = resolved(load(str(DESK / "desk.yaml")))
    [result] = asyncio.run(run_plan(Plan(case, parameters, frozenset(), 1, 1)))
    return result.verdict


@pytest.mark.usefixtures("in_the_environment")
@pytest.mark.parametrize(
    ("case", "variant", "finding"),
    [
        ("websocket.connection_interference", "shared", "WS_EVENT_MISDELIVERED"),
        ("auth.error_amplification", "hasty", "AUTH_TRANSIENT_REPORTED_AS_UNAUTHORIZED"),
    ],
)
def test_a_broken_variant_fails_and_the_right_one_passes(
    case: str, variant: str, finding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = verdict(case, variant, monkeypatch)
    assert (broken.outcome, finding in broken.findings) == (Outcome.FAIL, True), broken.reason
    right = verdict(case, "right", monkeypatch)
    assert right.outcome is Outcome.PASS, right.reason


@pytest.mark.usefixtures("in_the_environment")
@pytest.mark.parametrize(
    "case", ["websocket.handshake_race", "websocket.cleanup_race", "journey.login_to_answer"]
)
def test_cold_starts_cuts_and_restarts_meet_the_users_own_code(
    case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = verdict(case, "right", monkeypatch)
    assert right.outcome is Outcome.PASS, right.reason


@pytest.mark.usefixtures("in_the_environment")
def test_the_check_walks_the_stages_and_says_of_each_case_whether_it_can_be_judged(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["target", "check", "--env", str(DESK / "desk.yaml")]) == 0
    told = capsys.readouterr().out
    for stage in ("health", "account", "log in", "validators", "connect", "ask", "read back"):
        assert f"ok           {stage:14}" in told
    assert '→ {"op": "say"' in told
    assert "[agent_thinking]" in told
    assert "\n  - websocket.connection_interference\n" in told
    assert "\n  # factory.error_propagation: the target does not state store\n" in told
    listed = [line for line in told.splitlines() if line.startswith(("  - ", "  # "))]
    assert len(listed) == 23


@pytest.mark.usefixtures("in_the_environment")
def test_the_check_shows_what_the_file_does_not_mention(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    text = (DESK / "desk.yaml").read_text()
    forgotten = tmp_path / "forgotten.yaml"
    forgotten.write_text(text.replace("      agent_thinking: \"op == 'pondering'\"\n", ""))
    assert main(["target", "check", "--quiet", "--env", str(forgotten)]) == 0
    told = capsys.readouterr().out
    assert "1 × op: pondering" in told
    assert "to recognise it: op == 'pondering'" in told


@pytest.mark.usefixtures("in_the_environment")
def test_an_application_that_cannot_be_imported_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    text = (DESK / "desk.yaml").read_text()
    broken = tmp_path / "broken.yaml"
    broken.write_text(text.replace("accounts:app", "acounts:app"))
    assert main(["target", "check", "--env", str(broken)]) == 4
    assert "acounts" in capsys.readouterr().err


PARTS = """
  routers: {{theirs: "parts:{router}"}}
  agents: {{analysis: figures, planning: plans, triage: front-desk}}
  factories: {{connection: "parts:{factory}"}}
"""


def with_parts(router: str, factory: str, folder: Path) -> str:
    """The help desk's file, with a router and a factory of theirs."""
    parts = PARTS.format(router=router, factory=factory).lstrip("\n")
    path = folder / "desk.yaml"
    path.write_text((DESK / "desk.yaml").read_text().replace("  path:", f"{parts}  path:", 1))
    return str(path)


@pytest.mark.usefixtures("in_the_environment")
@pytest.mark.parametrize(
    ("case", "claim", "finding"),
    [
        ("routing.selection_conflict", "router_decisions", "ROUTING_WRONG_AGENT"),
        ("factory.interface_mismatch", "factories_fit", "FACTORY_DOES_NOT_FIT"),
    ],
)
def test_their_own_router_and_factory_are_judged_by_import_string(
    case: str,
    claim: str,
    finding: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for router, factory in (("route", "Lines"), ("route_by_first_word", "ManagerLines")):
        file = with_parts(router, factory, tmp_path)
        [result] = asyncio.run(run_plan(Plan(case, resolved(load(file)), frozenset(), 1, 1)))
        claims = {one.name: one for one in result.verdict.claims}
        if router == "route":
            assert result.verdict.outcome is Outcome.PASS, result.verdict.reason
            assert claims[claim].state is ClaimState.HELD
        else:
            assert result.verdict.outcome is Outcome.FAIL, result.verdict.reason
            assert claims[claim].finding == finding
    assert main(["target", "check", "--quiet", "--env", file]) == 0
    assert f"\n  - {case}" in capsys.readouterr().out


def test_routers_and_factories_of_ones_own_are_asked_in_a_process_of_their_own(
    tmp_path: Path,
) -> None:
    (tmp_path / "their_code.py").write_text(
        "def route(message):\n"
        "    return 'billing-bot' if 'cost' in message['message'] else 1 / 0\n"
        "class Agents:\n"
        "    async def create(self, *, user, connection):\n"
        "        raise NotImplementedError\n"
    )
    question = {"path": [str(tmp_path)], "routers": {"theirs": "their_code:route"}}
    messages = [{"message": "my cost"}, {"message": "hello"}]
    decided = asyncio.run(ask_user_code({**question, "messages": messages}))
    assert decided[0] == {"theirs": {"agent": "billing-bot"}}
    assert decided[1]["theirs"]["error"].startswith("ZeroDivisionError")
    rows = asyncio.run(
        ask_user_code({"path": [str(tmp_path)], "factories": {"agent": "their_code:Agents"}})
    )["conformance"]
    assert any(row["check"] == "signature" and "user" in row["problem"] for row in rows)
    with pytest.raises(UserCodeError, match="no_such"):
        asyncio.run(ask_user_code({"path": [], "factories": {"agent": "no_such:Agents"}}))
