"""The check of routing.priority, over histories by hand."""

from __future__ import annotations

import pytest

from gp_helpers.checkers import ClaimState
from gp_helpers.checkers.routing.priority import check
from gp_helpers.history import Kind
from tests.checkers.routing.histories import Made, claim, findings, states

QUEUED = {"normal: busy": 1, "normal: one": 3, "normal: two": 4, "high: urgent": 5}
GOOD = {"normal: busy": 2, "high: urgent": 6, "normal: one": 7, "normal: two": 8}
INVERTED = {"normal: busy": 2, "normal: one": 6, "normal: two": 7, "high: urgent": 8}


def made(
    started: dict[str, int] = GOOD, *, unknown: str = "invalid_request", lost: str | None = None
) -> Made:
    history = Made()
    history.user("ada")
    history.add(Kind.EXPECTED, "lab", waiting=2)
    asked = {about: history.ask("ada", about) for about in QUEUED}
    history.add(Kind.CONTROL, "lab", what="let the model server answer")
    for turn, (about, act) in enumerate(started.items(), 1):
        place = {"instance": "1", "queued": QUEUED[about], "started": act}
        if about == lost:
            history.receive("ada", asked[about], "agent_started", data={"queue": place})
        else:
            history.answer("ada", asked[about], started={"queue": place})
        history.add(Kind.DECISION, "lab", decider="queue", about=f"turn {turn}", agent=about)
    strange = history.ask("ada", "unknown priority")
    if unknown:
        history.error("ada", strange, unknown)
    else:
        history.answer("ada", strange)
    history.silence()
    return history


def test_the_urgent_one_is_next() -> None:
    judgement = check(made().history)
    assert set(states(judgement).values()) == {ClaimState.HELD}
    assert claim(judgement, "urgent_in_time").threshold == "urgent_seconds"
    assert judgement.first_disagreement is None


def test_normal_ones_that_were_waiting_overtake_it() -> None:
    judgement = check(made(INVERTED).history)
    assert findings(judgement) == {"ROUTING_URGENT_OVERTAKEN"}
    assert claim(judgement, "urgent_starts_first").measured["overtaken_by"] == 2
    assert judgement.first_disagreement is not None


def test_one_that_had_started_already_does_not_overtake() -> None:
    only_the_busy_one_before = {**GOOD}
    judgement = check(made(only_the_busy_one_before).history)
    assert claim(judgement, "urgent_starts_first").state is ClaimState.HELD


@pytest.mark.parametrize("lost", ["normal: busy", "normal: two", "high: urgent"])
def test_a_request_that_was_queued_and_started_and_is_not_answered(lost: str) -> None:
    judgement = check(made(lost=lost).history)
    assert findings(judgement) == {"ROUTING_REQUEST_LOST"}
    assert "1 of five events" in claim(judgement, "all_are_answered").detail


def test_a_priority_that_is_guessed() -> None:
    assert findings(check(made(unknown="").history)) == {"ROUTING_PRIORITY_COERCED"}


def test_an_urgent_answer_that_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    history = made()
    now = history.recorder.clock()
    slow = iter(now + number for number in range(1000))
    monkeypatch.setattr(history.recorder, "clock", lambda: next(slow))
    request_id = history.ask("ada", "high: another")
    history.answer(
        "ada", request_id, started={"queue": {"instance": "1", "queued": 9, "started": 10}}
    )
    history.add(Kind.DECISION, "lab", decider="queue", about="turn 5", agent="high")
    history.silence()
    assert findings(check(history.history)) == {"ROUTING_URGENT_TOO_SLOW"}


@pytest.mark.parametrize("kind", [Kind.DECISION, Kind.SILENCE, Kind.WS_SENT])
def test_a_blind_probe_proves_nothing(kind: Kind) -> None:
    found = states(check(made().without(kind)))
    assert ClaimState.UNOBSERVED in found.values()
    assert ClaimState.VIOLATED not in found.values()
