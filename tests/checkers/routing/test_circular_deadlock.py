"""The check of routing.circular_deadlock, over histories by hand."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from gp_helpers.checkers import ClaimState
from gp_helpers.checkers.routing.circular_deadlock import check
from gp_helpers.history import Kind
from tests.checkers.routing.histories import Made, claim, findings, states

NO_LOCKS: dict[str, Any] = {"holders": [], "waiters": []}
CROSSED = {
    "holders": [{"lock": "a", "holder": "req-1"}, {"lock": "p", "holder": "req-2"}],
    "waiters": [{"lock": "p", "waiter": "req-1"}, {"lock": "a", "waiter": "req-2"}],
}


def hops(*agents: str) -> list[dict[str, str]]:
    return [{"from": one, "to": other} for one, other in pairwise(agents)]


def made(
    *,
    locks: dict[str, Any] = NO_LOCKS,
    paths: list[dict[str, Any]] | None = None,
    there: tuple[str, ...] | str = ("analysis", "planning"),
    back: tuple[str, ...] | str = ("planning", "analysis"),
) -> Made:
    history = Made()
    history.user("ada")
    requests = {about: history.ask("ada", about) for about in ("there", "and back")}
    for about, end in (("there", there), ("and back", back)):
        if isinstance(end, tuple):
            history.answer("ada", requests[about], completed={"handoffs": hops(*end)})
        elif end:
            history.error("ada", requests[about], end, "Handed on too often: a -> p -> a.")
    history.recorder.step = "watch"
    if there and back:
        history.silence()
    history.add(Kind.READING, "lab", "backend-1", locks=locks, handoffs=paths or [])
    return history


def test_both_end() -> None:
    judgement = check(made().history)
    assert set(states(judgement).values()) == {ClaimState.HELD}
    assert judgement.first_disagreement is None


def test_two_that_wait_for_each_other() -> None:
    judgement = check(made(locks=CROSSED, there="", back="").history)
    assert findings(judgement) == {"ROUTING_DEADLOCK"}
    told = claim(judgement, "no_cycle_of_waits").detail
    assert told == "'there' waits for 'and back' waits for 'there'"
    assert judgement.first_disagreement is not None


def test_a_path_that_comes_back() -> None:
    paths = [{"request_id": "req-1", "path": ["analysis", "planning", "analysis"]}]
    judgement = check(made(paths=paths, there="").history)
    assert "ROUTING_HANDOFF_CYCLE" in findings(judgement)


def test_a_limit_that_was_reached() -> None:
    judgement = check(made(there="handoff_limit").history)
    assert findings(judgement) == {"ROUTING_HANDOFF_CYCLE", "ROUTING_REQUEST_UNFINISHED"}
    assert "a -> p -> a" in claim(judgement, "each_agent_once").detail


def test_an_answer_after_going_round() -> None:
    judgement = check(made(there=("analysis", "planning", "analysis")).history)
    assert findings(judgement) == {"ROUTING_HANDOFF_CYCLE"}


@pytest.mark.parametrize("end", ["internal", ("analysis",)])
def test_a_request_that_was_not_handed_on_proves_nothing(end: Any) -> None:
    found = claim(check(made(there=end).history), "each_agent_once")
    assert found.state is ClaimState.UNOBSERVED


@pytest.mark.parametrize("kind", [Kind.READING, Kind.SILENCE, Kind.WS_SENT])
def test_a_blind_probe_proves_nothing(kind: Kind) -> None:
    found = states(check(made().without(kind)))
    assert ClaimState.UNOBSERVED in found.values()
    assert ClaimState.VIOLATED not in found.values()
