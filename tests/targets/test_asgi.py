"""Somebody's own ASGI applications, of a shape unlike ours, under our cases."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gp_helpers.cases import case_class
from gp_helpers.checkers import ClaimState, Outcome, Verdict
from gp_helpers.cli import run as cli_run
from gp_helpers.cli.main import main
from gp_helpers.execution import NotebookResult
from gp_helpers.execution.trials import Plan, run_plan
from gp_helpers.faults import OrderGate
from gp_helpers.history import History, Kind
from gp_helpers.history.recording import read
from gp_helpers.parameters import load, resolved
from gp_helpers.targets.opening import PRELOAD
from gp_helpers.targets.user_code import UserCodeError, ask_user_code

DESK = Path(__file__).parent / "desk"


RIGHT = "right"
SHORT_LIFE_S, LONG_LIFE_S = "0.5", "60"
"""How long the desk's sockets live: within the case's timeouts, or longer than any."""
AT_ONCE = 3
BROKEN = {
    # In the order of the most seconds: they wait for what does not come.
    ("websocket.connection_interference", "shared"): {"WS_EVENT_MISDELIVERED"},
    ("journey.error_recovery", "marked"): {"JOURNEY_GIVEN_UP"},
    ("journey.error_recovery", "brittle"): {"APPLICATION_DOWN", "JOURNEY_GIVEN_UP"},
    ("routing.load_balancing", "memory"): {"ROUTING_ANSWER_LOST"},
    ("websocket.cloud_run_timeout", "careless"): {
        "WS_IDLE_CONNECTION_CUT",
        "WS_ANSWER_LOST_AFTER_CUT",
    },
    ("websocket.handshake_race", "eager"): {"WS_SILENT_CONNECTION"},
    ("journey.login_to_answer", "memory"): {"JOURNEY_CONVERSATION_LOST", "JOURNEY_TOKEN_ALIVE"},
    ("auth.timing", "memory"): {"AUTH_REVOKED_TOKEN_ACCEPTED"},
    ("auth.error_amplification", "hasty"): {
        "AUTH_TRANSIENT_REPORTED_AS_UNAUTHORIZED",
        "AUTH_INNOCENT_REQUEST_LOST",
    },
}
"""Case and variant of the desk to what is found."""
CASES = [*dict.fromkeys(case for case, _ in BROKEN), "websocket.cleanup_race"]


@pytest.fixture
def in_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    set_up(monkeypatch, tmp_path, RIGHT)


def set_up(
    monkeypatch: pytest.MonkeyPatch, notes: Path, variant: str, life_s: str = LONG_LIFE_S
) -> None:
    monkeypatch.setenv("DESK_FOLDER", str(DESK))
    monkeypatch.setenv("DESK_NOTES", str(notes))
    monkeypatch.setenv("DESK_VARIANT", variant)
    monkeypatch.setenv("DESK_LIFE_S", life_s)


@pytest.fixture(scope="module")
def trials(tmp_path_factory: pytest.TempPathFactory) -> Mapping[tuple[str, str], Trial]:
    """Every case on the right desk, and each on a broken one: a few at once, since most wait."""
    plans = {}
    for case, variant in [*BROKEN, *((case, RIGHT) for case in CASES)]:
        folder = tmp_path_factory.mktemp("desk")
        with pytest.MonkeyPatch.context() as environment:
            life_s = SHORT_LIFE_S if case == "websocket.cloud_run_timeout" else LONG_LIFE_S
            set_up(environment, folder, variant, life_s)
            parameters = resolved(load(str(DESK / "desk.yaml")))
        plans[case, variant] = Plan(case, parameters, frozenset(), 1, 1, folder)
    return asyncio.run(_run(plans))


async def _run(plans: Mapping[tuple[str, str], Plan]) -> dict[tuple[str, str], Trial]:
    turns = asyncio.Semaphore(AT_ONCE)

    async def run(plan: Plan) -> Trial:
        async with turns:
            [result] = await run_plan(plan)
        assert plan.keep is not None
        [path] = (plan.keep / "histories").glob("*.jsonl")
        return Trial(result.verdict, read(path))

    found = await asyncio.gather(*map(run, plans.values()))
    return dict(zip(plans, found, strict=True))


@dataclass(frozen=True)
class Trial:
    """What a trial showed, and what happened in it."""

    verdict: Verdict
    history: History

    def done(self) -> list[str]:
        """What was done to the platform."""
        return [entry.data["what"] for entry in self.history.of(Kind.CONTROL)]


@pytest.mark.parametrize("case", CASES)
def test_the_right_desk_passes(trials: Mapping[tuple[str, str], Trial], case: str) -> None:
    verdict = trials[case, RIGHT].verdict
    assert verdict.outcome is Outcome.PASS, verdict.reason


@pytest.mark.parametrize(("case", "variant"), BROKEN)
def test_a_broken_desk_is_found(
    trials: Mapping[tuple[str, str], Trial], case: str, variant: str
) -> None:
    verdict = trials[case, variant].verdict
    assert verdict.outcome is Outcome.FAIL, verdict.reason
    assert set(verdict.findings) == BROKEN[case, variant]


def test_a_cold_start_an_instance_killed_at_work_and_a_second_instance_were_really_there(
    trials: Mapping[tuple[str, str], Trial],
) -> None:
    cold = trials["websocket.handshake_race", RIGHT]
    assert "kill backend-1, so that no instance runs" in cold.done()
    killed = trials["journey.error_recovery", RIGHT]
    assert [what for what in killed.done() if "backend-1" in what] == [
        "kill backend-1",
        "start backend-1 again",
    ]
    for trial in (cold, killed):
        felt = [e.data for e in trial.history.of(Kind.MEASURED) if "fault" in e.data]
        assert felt
        assert all(one["value"] for one in felt)
    decisions = trials["auth.timing", "memory"].history.of(Kind.DECISION)
    after = {
        e.data["decider"]: e.data["accepted"] for e in decisions if "log-out" in e.data["about"]
    }
    assert {after[f"notes of backend-{number}"] for number in (1, 2)} == {True, False}


def test_a_control_that_comes_before_the_platform_serves_connects_once_more(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    let_pass: Callable[[OrderGate[Any]], None] = OrderGate.open

    def open_later(gate: OrderGate[Any]) -> None:
        asyncio.get_running_loop().call_later(0.3, let_pass, gate)

    monkeypatch.setattr(OrderGate, "open", open_later)
    set_up(monkeypatch, tmp_path, "eager")
    parameters = resolved(load(str(DESK / "desk.yaml")))
    plan = Plan("websocket.handshake_race", parameters, frozenset(), 1, 1, tmp_path)
    trial = asyncio.run(_run({("early", "eager"): plan}))["early", "eager"]
    assert len(trial.history.of(Kind.WS_OPENED, actor="control")) == 2
    assert trial.verdict.outcome is Outcome.FAIL, trial.verdict.reason
    assert "WS_SILENT_CONNECTION" in trial.verdict.findings


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
    assert "\n  - websocket.cloud_run_timeout\n" in told
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
    elsewhere = tmp_path / "elsewhere.yaml"
    elsewhere.write_text(text.replace("who == 'member'", "who == 'nobody'"))
    assert main(["target", "check", "--quiet", "--env", str(elsewhere)]) == 1
    assert "nothing for persistence.found in" in capsys.readouterr().out


@pytest.mark.usefixtures("in_the_environment")
def test_the_ingress_cuts_when_the_file_says_that_it_does(tmp_path: Path) -> None:
    path = tmp_path / "slow.yaml"
    ingress = "  ingress: {request_timeout_s: 4, idle_timeout_s: 2}\n  path:"
    path.write_text((DESK / "desk.yaml").read_text().replace("  path:", ingress, 1))
    case = case_class("websocket.cloud_run_timeout")
    for file, timeouts in ((DESK / "desk.yaml", (0.9, 0.2)), (path, (4, 2))):
        arranged = case.arranged(resolved(load(str(file)))).ingress
        assert (arranged["request_timeout_s"], arranged["idle_timeout_s"]) == timeouts


@pytest.mark.usefixtures("in_the_environment")
def test_an_application_that_cannot_be_imported_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    text = (DESK / "desk.yaml").read_text()
    broken = tmp_path / "broken.yaml"
    broken.write_text(text.replace("accounts:app", "acounts:app"))
    assert main(["target", "check", "--env", str(broken)]) == 1
    assert "acounts" in capsys.readouterr().out


@pytest.mark.usefixtures("in_the_environment")
def test_a_store_that_is_not_there_is_the_reason_why_its_lock_cannot_be_held(
    tmp_path: Path,
) -> None:
    text = (DESK / "desk.yaml").read_text()
    path = tmp_path / "elsewhere.yaml"
    store = f"  store: sqlite:///{tmp_path / 'typo.db'}\n  path:"
    path.write_text(text.replace("  path:", store, 1))
    plan = Plan("journey.error_recovery", resolved(load(str(path))), frozenset(), 1, 1)
    [result] = asyncio.run(run_plan(plan))
    assert result.verdict.outcome is Outcome.INCONCLUSIVE, result.verdict.reason
    assert result.verdict.reason.startswith("not possible here: target.store: there is no database")


@pytest.mark.usefixtures("in_the_environment")
def test_what_the_check_says_cannot_be_judged_is_no_pass_when_it_is_run_all_the_same() -> None:
    case = "routing.circular_deadlock"
    plan = Plan(case, resolved(load(str(DESK / "desk.yaml"))), frozenset(), 1, 1)
    [result] = asyncio.run(run_plan(plan))
    assert result.verdict.outcome is Outcome.INCONCLUSIVE
    told = "cannot be judged here: your applications do not tell us what they have in flight"
    assert result.verdict.reason.startswith(told)


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


@pytest.mark.usefixtures("in_the_environment")
def test_one_parent_serves_all_kernels_of_a_run_and_knows_nothing_of_the_users_code(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shared = []

    async def executed(*_: object, services: Sequence[str], **__: object) -> list[NotebookResult]:
        shared.append(services)
        return []

    monkeypatch.setattr(cli_run, "execute", executed)
    options = ["--quiet", "--outputs", str(tmp_path)]
    main(["run", "--env", str(DESK / "desk.yaml"), "--env", "remediated", *options])
    main(["run", "--env", "remediated", "--isolation", "thread", *options])
    with_both, in_threads = shared
    assert set(with_both) - {"fastapi"} == {"gp_helpers.cloud_run.ingress", "httpx", *PRELOAD}
    assert list(in_threads) == []
