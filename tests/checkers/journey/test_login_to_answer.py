"""Each stage of the journey has a claim of its own."""

from __future__ import annotations

from typing import Any

import pytest

from gp_helpers.checkers import ClaimState
from gp_helpers.checkers.journey.login_to_answer import check
from gp_helpers.history import Kind
from tests.checkers.journey.story import (
    QUESTION,
    Story,
    answer_for,
    claims_of,
    findings,
    is_undecided,
    not_held,
)


def journey(
    *,
    login: int = 200,
    refused: int | None = None,
    answer: str | None = None,
    stored: list[str] | None = None,
    alive: bool = False,
    **events: Any,
) -> Story:
    story = Story("journey.login_to_answer")
    story.step("log_in")
    story.add(Kind.EXPECTED, about="the journey", journey="ada")
    story.exchange("ada", "log in", login)
    story.user("ada")
    story.billing("ada")
    story.step("connect")
    story.connect("ada", refused=refused)
    story.step("ask")
    request = story.ask("ada")
    for name in ("auth", "backend-1", "model"):
        story.exchange("ada", f"health of {name}")
    story.events("ada", request, answer=answer, **events)
    story.silence()
    story.note_answer("ada", request)
    told = answer_for("ada") if answer is None else answer
    contents = [QUESTION, f"{told}\nRecommendations: …"] if stored is None else stored
    messages = {"messages": [{"content": content} for content in contents]}
    story.exchange("ada", "read the conversation", body=messages)
    story.add(Kind.EXPECTED, about="after log-out", refused_by=["auth", "websocket"])
    for validator in ("auth", "websocket"):
        story.add(Kind.DECISION, "ada", decider=validator, about="after log-out", accepted=alive)
    return story


def test_a_whole_journey_holds() -> None:
    judgement = check(journey().history)
    assert not_held(judgement) == []
    assert judgement.first_disagreement is None


def test_an_answer_without_figures_beside_green_health_endpoints() -> None:
    story = journey(answer=f"You asked: {QUESTION}\nThere are no costs this month.")
    judgement = check(story.history)
    assert findings(judgement) == ["JOURNEY_ANSWER_NOT_GROUNDED"]
    assert judgement.first_disagreement is not None
    assert "3 health endpoints answer 200" in judgement.first_disagreement.description
    left = story.history.entries[judgement.first_disagreement.left]
    assert (left.kind, left.data["status"]) == (Kind.RESPONSE, 200)


@pytest.mark.parametrize(
    ("how", "finding"),
    [
        ({"login": 503}, "JOURNEY_LOGIN_FAILED"),
        ({"refused": 401}, "JOURNEY_NOT_CONNECTED"),
        ({"names": ("agent_started",)}, "JOURNEY_EVENTS_INCOMPLETE"),
        ({"answer": ""}, "JOURNEY_ANSWER_NOT_GROUNDED"),
        ({"answer": answer_for("ben")}, "JOURNEY_ANSWER_NOT_GROUNDED"),
        ({"actions": ["one"]}, "JOURNEY_ANSWER_NOT_GROUNDED"),
        ({"stored": [QUESTION]}, "JOURNEY_CONVERSATION_LOST"),
        ({"stored": [QUESTION, QUESTION, answer_for("ada")]}, "JOURNEY_CONVERSATION_LOST"),
        ({"alive": True}, "JOURNEY_TOKEN_ALIVE"),
    ],
)
def test_a_stage_that_fails_is_found(how: dict[str, Any], finding: str) -> None:
    assert finding in findings(check(journey(**how).history))


def test_a_connection_that_stays_silent_is_found() -> None:
    story = Story("journey.login_to_answer")
    story.add(Kind.EXPECTED, about="the journey", journey="ada")
    story.step("connect")
    story.add(Kind.WS_OPENING, "ada", "ws")
    story.add(Kind.WS_OPENED, "ada", "ws")
    story.add(Kind.TIMEOUT, "ada", "ws", awaited="ready", seconds=5.0, definite=False)
    assert claims_of(check(story.history))["connected"].finding == "JOURNEY_NOT_CONNECTED"


@pytest.mark.parametrize("kind", [Kind.RESPONSE, Kind.DECISION, Kind.SILENCE, Kind.EXPECTED])
def test_what_a_probe_drops_is_not_held(kind: Kind) -> None:
    assert is_undecided(check(journey().without(kind)))


def test_messages_that_are_not_on_record_are_no_answer() -> None:
    claim = claims_of(check(journey().without(Kind.WS_RECEIVED)))["answers_are_grounded"]
    assert claim.state is ClaimState.UNOBSERVED
