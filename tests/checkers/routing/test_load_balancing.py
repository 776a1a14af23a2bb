"""The check of routing.load_balancing, over histories by hand."""

from __future__ import annotations

import pytest

from gp_helpers.checkers import ClaimState
from gp_helpers.checkers.routing.load_balancing import check
from gp_helpers.history import Kind
from tests.checkers.routing.histories import Made, claim, findings, states

PEOPLE = ("ada", "ben", "cleo", "dara")


def made(*, lost: str = "", work: tuple[str, ...] = ("b-1", "b-2", "b-1", "b-2")) -> Made:
    history = Made()
    history.add(Kind.EXPECTED, "lab", instances=["b-1", "b-2"])
    for person in PEOPLE:
        history.user(person)
        history.add(Kind.WS_OPENED, person, f"{person}-ws-2")
    for person, instance in zip(PEOPLE, work, strict=True):
        request_id = history.ask(person, "from the laptop")
        for socket in (1, 2):
            if (person, socket) != (lost, 2):
                place = {"queue": {"instance": instance}}
                history.answer(
                    person,
                    request_id,
                    socket=socket,
                    started=place,
                    completed={"result": f"canary-{person} spends most"},
                )
        history.add(Kind.DECISION, "lab", decider="placement", about=person, agent=instance)
    history.silence()
    return history


def test_nothing_lost_and_even() -> None:
    judgement = check(made().history)
    assert set(states(judgement).values()) == {ClaimState.HELD}
    load = claim(judgement, "load_is_even")
    assert load.measured == {"max/mean": 1.0}
    assert load.threshold == "load_ratio"


def test_a_device_that_gets_nothing() -> None:
    judgement = check(made(lost="cleo").history)
    assert findings(judgement) == {"ROUTING_ANSWER_LOST"}
    assert claim(judgement, "nothing_lost").detail == "cleo-ws-2 gets 0 of 5 events"
    first = judgement.first_disagreement
    assert first is not None
    assert first.description == "cleo-ws-1 gets the answer, cleo-ws-2 does not"


def test_one_event_twice_is_not_once() -> None:
    history = made()
    history.receive("ada", "req-1", "agent_completed", 2)
    assert findings(check(history.history)) == {"ROUTING_ANSWER_LOST"}


def test_one_instance_that_does_everything() -> None:
    judgement = check(made(work=("b-1",) * 4).history)
    assert findings(judgement) == {"ROUTING_LOAD_UNEVEN"}
    assert claim(judgement, "load_is_even").detail == "requests by instance: b-1 4, b-2 0"


def test_three_of_four_is_just_even() -> None:
    judgement = check(made(work=("b-1", "b-1", "b-1", "b-2")).history)
    assert claim(judgement, "load_is_even").state is ClaimState.HELD


@pytest.mark.parametrize("kind", [Kind.DECISION, Kind.SILENCE, Kind.WS_OPENED])
def test_a_blind_probe_proves_nothing(kind: Kind) -> None:
    found = states(check(made().without(kind)))
    assert ClaimState.UNOBSERVED in found.values()
    assert ClaimState.VIOLATED not in found.values()
