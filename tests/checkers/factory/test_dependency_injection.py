"""What the check of factory.dependency_injection makes of a history."""

from __future__ import annotations

from typing import Any

from gp_helpers.checkers.factory.dependency_injection import check
from tests.checkers.factory.histories import Story, all_held, claim_of, findings, states

MISSING = {"from": "sender", "name": "connection", "to": None, "injected": "method"}


def session(
    *,
    completed: int = 0,
    delivered: int = 0,
    unresolved: tuple[dict[str, Any], ...] = (),
    cycles: tuple[list[str], ...] = (),
) -> dict[str, Any]:
    graph = {
        "nodes": [{"id": "session", "type": "UserSession", "owner": "usr_ada"}],
        "edges": [],
        "unresolved": list(unresolved),
        "cycles": list(cycles),
    }
    return {"completed": completed, "delivered": delivered, "graph": graph}


def story(events: int, **of_session: Any) -> Story:
    told = Story()
    told.user("ada")
    told.connect("ada", "ada-ws")
    told.reading(asked=0, sessions=[session(**of_session)])
    told.answer("ada", "ada-ws", told.ask("ada", "ada-ws", "question"), events=events)
    told.silence()
    delivered = {"completed": 1, "delivered": events}
    told.reading(asked=1, sessions=[session(**{**of_session, **delivered})])
    return told


def test_a_complete_graph_that_speaks_holds() -> None:
    assert all_held(check(story(5).history))


def test_a_request_that_counts_as_completed_and_reached_nobody() -> None:
    judgement = check(story(0, unresolved=(MISSING,)).history)
    assert findings(judgement) == {"FACTORY_EVENTS_LOST", "FACTORY_GRAPH_INCOMPLETE"}
    detail = claim_of(judgement, "graph_complete").detail
    assert detail == "sender was never given its connection (method)"
    assert judgement.first_disagreement is not None
    assert "counts the request as completed" in judgement.first_disagreement.description


def test_a_cycle_alone_makes_the_graph_incomplete() -> None:
    judgement = check(story(5, cycles=(["bridge", "agent"],)).history)
    assert findings(judgement) == {"FACTORY_GRAPH_INCOMPLETE"}
    assert claim_of(judgement, "graph_complete").detail == "bridge needs agent needs bridge"
    assert judgement.first_disagreement is not None


def test_without_readings_only_the_events_are_judged() -> None:
    told = Story()
    told.user("ada")
    told.connect("ada", "ada-ws")
    told.answer("ada", "ada-ws", told.ask("ada", "ada-ws", "question"))
    told.silence()
    assert states(check(told.history)) == {
        "five_events": "held",
        "graph_complete": "unobserved",
        "log_agrees": "unobserved",
    }
