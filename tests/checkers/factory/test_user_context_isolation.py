"""What the check of factory.user_context_isolation makes of a history."""

from __future__ import annotations

from typing import Any

from gp_helpers.checkers.factory.user_context_isolation import check
from tests.checkers.factory.histories import Story, all_held, findings, states

PEOPLE = ("ada", "ben")


def story(owners: dict[str, str] | None = None) -> Story:
    """Two connected users; `owners` says whose connection is in whose session."""
    told = Story()
    for label in PEOPLE:
        told.user(label)
        told.connect(label, f"{label}-ws")
    owners = owners or {label: label for label in PEOPLE}
    told.reading(connected=2, sessions=[session(label, owners[label]) for label in PEOPLE])
    return told


def session(label: str, owner: str) -> dict[str, Any]:
    nodes = [
        {"id": "session", "type": "UserSession", "owner": f"usr_{label}"},
        {"id": "connection", "type": "Line", "owner": f"usr_{owner}"},
        {"id": "manager", "type": "Channels", "owner": None},
    ]
    return {"user_id": f"usr_{label}", "graph": {"nodes": nodes}}


def answer_all(told: Story, sockets: dict[str, str] | None = None) -> None:
    """Everybody asks; `sockets` says on whose socket whose answer arrives."""
    asked = {label: told.ask(label, f"{label}-ws", "question") for label in PEOPLE}
    for label in PEOPLE:
        at = (sockets or {}).get(label, label)
        told.answer(at, f"{at}-ws", asked[label], owner=label)
    told.silence()


def test_everybody_with_their_own_objects_and_events_holds() -> None:
    told = story()
    answer_all(told)
    assert all_held(check(told.history))


def test_an_event_on_somebody_elses_socket_is_foreign() -> None:
    told = story()
    answer_all(told, {"ben": "ada"})
    judgement = check(told.history)
    assert states(judgement) == {
        "own_objects": "held",
        "own_events": "violated",
        "no_foreign_data": "violated",
        "everybody_answered": "held",
    }
    assert findings(judgement) == {"FACTORY_FOREIGN_CONNECTION"}
    assert judgement.first_disagreement is not None


def test_a_foreign_object_in_a_session_is_enough() -> None:
    told = story({"ada": "ada", "ben": "ada"})
    answer_all(told)
    judgement = check(told.history)
    assert findings(judgement) == {"FACTORY_FOREIGN_CONNECTION"}
    assert states(judgement)["own_objects"] == "violated"


def test_without_events_nothing_is_held() -> None:
    told = story()
    for label in PEOPLE:
        told.ask(label, f"{label}-ws", "question")
    found = states(check(told.history))
    assert found["own_events"] == found["everybody_answered"] == "unobserved"


def test_an_answer_that_never_comes_is_lost() -> None:
    told = story()
    told.answer("ada", "ada-ws", told.ask("ada", "ada-ws", "question"))
    told.ask("ben", "ben-ws", "question")
    told.silence()
    assert findings(check(told.history)) == {"FACTORY_EVENTS_LOST"}
