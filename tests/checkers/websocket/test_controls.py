"""The questions beside the one that a race is about: if these go wrong, that is told apart."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gp_helpers.checkers import ClaimState, Judgement
from gp_helpers.checkers.websocket import cleanup_race, event_manager_init
from gp_helpers.history import History, Kind
from tests.checkers.factory.histories import Story, findings, states

RACES: list[tuple[Callable[[History], Judgement], tuple[str, ...], str]] = [
    (event_manager_init.check, ("question", "control"), "control"),
    (cleanup_race.check, ("before", "away", "after"), "before"),
]


def asked(about: tuple[str, ...], events: dict[str, int], *, felt: bool = True) -> History:
    told = Story()
    told.user("ada")
    told.connect("ada", "ada-1")
    for one in about:
        told.answer("ada", "ada-1", told.ask("ada", "ada-1", one), events=events.get(one, 5))
    told.silence()
    told.add(Kind.MEASURED, fault="slow auth hop", value=float(felt))
    for when in ("baseline", "end"):
        told.reading(resources=when, handlers=0, registry={"connections": 0})
    return told.history


@pytest.mark.parametrize(("check", "about", "control"), RACES)
def test_every_question_answered_is_no_finding(
    check: Callable[[History], Judgement], about: tuple[str, ...], control: str
) -> None:
    del control
    assert findings(check(asked(about, {}))) == set()


@pytest.mark.parametrize(("check", "about", "control"), RACES)
@pytest.mark.parametrize("events", [0, 4])
def test_a_control_without_its_five_events_is_a_finding_of_its_own(
    check: Callable[[History], Judgement], about: tuple[str, ...], control: str, events: int
) -> None:
    assert findings(check(asked(about, {control: events}))) == {"WS_CONTROL_NOT_SERVED"}


def test_a_hop_that_was_not_slow_shows_nothing() -> None:
    found = states(event_manager_init.check(asked(RACES[0][1], {}, felt=False)))
    assert found.pop("faults_were_felt") == ClaimState.UNOBSERVED
    assert set(found.values()) == {ClaimState.HELD}


def test_each_question_of_a_reconnect_has_its_own_finding() -> None:
    for about, finding in (
        ("away", "WS_MESSAGES_LOST_WHILE_AWAY"),
        ("after", "WS_EVENTS_LOST_AFTER_RECONNECT"),
    ):
        assert findings(cleanup_race.check(asked(RACES[1][1], {about: 3}))) == {finding}
    early = event_manager_init.check(asked(RACES[0][1], {"question": 3}))
    assert findings(early) == {"WS_EVENTS_LOST_AFTER_CONNECT"}
