"""Each finding code that a check can give is asserted, or found on a running platform."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from gp_helpers.checkers import ClaimState, Outcome, judge
from gp_helpers.checkers.claims import Observed, outcome_of
from gp_helpers.checkers.component_checks import RUNS
from gp_helpers.checkers.faults import faults_were_felt
from gp_helpers.checkers.judging import (
    CONFIGURED_WAIT,
    applications_run,
    components_healthy,
    within_time,
)
from gp_helpers.history import History, Kind, Recorder, Redactor
from gp_helpers.platform.defects.catalogue import CATALOGUE
from tests.support.repository import ROOT

CODE = re.compile(r"[A-Z]+(_[A-Z]+)+")
NEVER_A_FINDING = {"FAULT_NOT_FELT"}
"""A fault that was not felt leaves its claim unobserved: nobody's failure, and no pass."""


def codes_in(*nodes: ast.AST) -> set[str]:
    """The strings below these nodes that have the form of a finding code."""
    return {
        node.value
        for top in nodes
        for node in ast.walk(top)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and CODE.fullmatch(node.value)
    }


def codes_of_checkers() -> set[str]:
    files = (ROOT / "gp_helpers" / "checkers").rglob("*.py")
    return codes_in(*(ast.parse(path.read_text()) for path in files))


def asserted(source: str) -> set[str]:
    """The codes that stand in an assertion, or that its parameters or its loop give to it."""
    return codes_in(*_asserting(ast.parse(source)))


def _asserting(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert):
            yield node
        elif isinstance(node, ast.For) and any(isinstance(n, ast.Assert) for n in ast.walk(node)):
            yield node.iter
        elif isinstance(node, ast.FunctionDef):
            yield from node.decorator_list


def modules_of_tests() -> Iterator[Path]:
    for folder in ("checkers", "cases"):
        yield from (ROOT / "tests" / folder).rglob("test_*.py")


def test_each_code_is_asserted() -> None:
    on_a_platform = {defect.finding_code for defect in CATALOGUE.values()}
    by_tests = {code for path in modules_of_tests() for code in asserted(path.read_text())}
    codes = codes_of_checkers()
    assert on_a_platform <= codes
    assert codes - on_a_platform - by_tests == NEVER_A_FINDING


def test_a_code_that_is_only_named_is_not_asserted() -> None:
    named = 'MADE_UP = "MADE_UP_CODE"\n\ndef test_it():\n    story("MADE_UP_CODE")\n'
    assert asserted(named) == set()
    assert asserted(f'{named}    assert findings == {{"MADE_UP_CODE"}}\n') == {"MADE_UP_CODE"}


def recorded(*components: bool, seconds: float = 1.0) -> History:
    recorder = Recorder(None, Redactor())
    recorder.start(case="auth.timing")
    for number, healthy in enumerate(components):
        recorder.add(
            Kind.COMPONENT, "lab", component=f"service {number}", healthy=healthy, detail=""
        )
    recorder.add(Kind.STEP_ENDED, "lab", outcome="completed", seconds=seconds)
    recorder.add(Kind.TRIAL_ENDED, "lab", outcome="completed")
    return recorder.history


def test_a_component_that_is_unhealthy_by_itself_is_found() -> None:
    assert components_healthy(recorded(True, True)).state is ClaimState.HELD
    claim = components_healthy(recorded(True, False))
    assert claim.finding == "COMPONENT_UNHEALTHY"
    assert claim.detail.startswith("service 1 is unhealthy")


def test_an_application_that_went_down_is_found_beside_the_components_that_are_healthy() -> None:
    recorder = Recorder(None, Redactor())
    recorder.start(case="auth.timing", kind="asgi")
    recorder.add(Kind.COMPONENT, "lab", component="auth", check="answers", healthy=True)
    assert applications_run(recorder.history) == []
    recorder.add(
        Kind.COMPONENT, "lab", component="backend-1", check=RUNS, healthy=False, detail="it ended"
    )
    [claim] = applications_run(recorder.history)
    assert (claim.finding, claim.detail) == ("APPLICATION_DOWN", "it ended")
    assert claim.name in {one.name for one in judge(recorder.history).claims}
    assert components_healthy(recorder.history).state is ClaimState.HELD


def test_a_pass_says_what_it_leaves_open() -> None:
    claims = [Observed(name, "", "").claim() for name in ("stored_once", "own_events")]
    held = Observed("connected", "", "")
    held.holds(1)
    outcome, reason = outcome_of([held.claim(), *claims], frozenset({"stored_once", "own_events"}))
    assert outcome is Outcome.PASS
    assert reason == "1 claims held; not observed here: stored_once, own_events"


def test_a_check_that_is_owed_and_was_not_made_is_not_overlooked() -> None:
    recorder = Recorder(None, Redactor())
    owed = [["auth", "answers"], ["auth", "accepts a token"], ["model", "answers"]]
    recorder.start(case="auth.timing", components=owed)
    for component, check in (("auth", "answers"), ("model", "answers")):
        recorder.add(Kind.COMPONENT, "lab", component=component, check=check, healthy=True)
    claim = components_healthy(recorder.history)
    assert claim.state is ClaimState.UNOBSERVED
    assert claim.detail == "auth was not checked: accepts a token"
    recorder.add(Kind.COMPONENT, "lab", component="auth", check="accepts a token", healthy=True)
    assert components_healthy(recorder.history).state is ClaimState.HELD


def test_a_case_that_takes_longer_than_the_plan_allows_is_found() -> None:
    claim = within_time(recorded(seconds=10.5))
    assert (claim.finding, claim.threshold) == ("TOO_SLOW", "case_seconds")
    assert within_time(recorded(seconds=9.5)).state is ClaimState.HELD


@pytest.mark.parametrize(
    ("kind", "state"), [("asgi", ClaimState.HELD), ("embedded", ClaimState.VIOLATED)]
)
def test_waits_that_the_parameters_ask_for_are_not_the_platforms_time(
    kind: str, state: ClaimState
) -> None:
    recorder = Recorder(None, Redactor())
    recorder.start(case="websocket.cloud_run_timeout", kind=kind)
    recorder.add(Kind.MEASURED, "lab", quantity=CONFIGURED_WAIT, value=55.0, unit="s")
    recorder.add(Kind.STEP_ENDED, "lab", outcome="completed", seconds=60.0)
    recorder.add(Kind.MEASURED, "lab", "guest", requests=3)
    recorder.add(Kind.TRIAL_ENDED, "lab", outcome="completed")
    entries = tuple(entry._replace(t=60.0) for entry in recorder.history.entries)
    assert within_time(History(entries)).state is state


def test_a_fault_that_was_not_felt_is_never_a_finding() -> None:
    recorder = Recorder(None, Redactor())
    recorder.start(case="auth.timing")
    claim: Observed = faults_were_felt(recorder.history, {"one": ()})
    assert claim.claim().state is ClaimState.UNOBSERVED
    recorder.add(Kind.MEASURED, "lab", fault="one", value=0.0)
    assert faults_were_felt(recorder.history, {"one": ()}).claim().finding is None
    assert "the fault one was not felt" in claim.claim().detail


def test_a_case_that_a_target_does_not_fit_never_passes_whatever_holds() -> None:
    recorder = Recorder(None, Redactor())
    optional = ["no_cycle_of_waits", "each_agent_once", "all_end"]
    recorder.start(
        case="routing.circular_deadlock",
        kind="asgi",
        optional_claims=optional,
        unfit=["your applications do not tell us what they have in flight"],
    )
    recorder.add(Kind.COMPONENT, "lab", component="auth", check="answers", healthy=True)
    recorder.add(Kind.STEP_ENDED, "lab", outcome="completed", seconds=1.0)
    recorder.add(Kind.TRIAL_ENDED, "lab", outcome="completed")
    history = recorder.history
    verdict = judge(history)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.reason.startswith(
        "cannot be judged here: your applications do not tell us what they have in flight (2 claims"
    )
    header = history.entries[0]._replace(data={**history.entries[0].data, "unfit": []})
    assert judge(History((header, *history.entries[1:]))).outcome is Outcome.PASS
