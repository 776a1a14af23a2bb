"""Everybody completes, sees their own figures alone, and does not wait too long."""

from __future__ import annotations

import pytest

from gp_helpers.checkers import ClaimState
from gp_helpers.checkers.journey.multi_user_isolation import check
from gp_helpers.history import Entry, History, Kind
from gp_helpers.parameters.description import EVENTS
from tests.checkers.journey.story import (
    Story,
    answer_for,
    claims_of,
    findings,
    is_undecided,
    not_held,
)

USERS = ("ada", "ben", "cleo")


def journeys(
    answers: dict[str, str] | None = None,
    users: tuple[str, ...] = USERS,
    events: dict[str, tuple[str, ...]] | None = None,
) -> Story:
    story = Story("journey.multi_user_isolation")
    story.step("connect_everybody")
    for label in users:
        story.user(label)
    story.add(Kind.EXPECTED, about="journeys", journeys=list(users))
    for label in users:
        story.billing(label)
        story.connect(label, f"{label}-ws")
    story.step("ask_the_same")
    requests = {label: story.ask(label) for label in users}
    for label, request in requests.items():
        names = (events or {}).get(label, EVENTS)
        story.events(label, request, names, answer=(answers or {}).get(label))
    story.silence()
    for label, request in requests.items():
        story.note_answer(label, request)
    return story


def test_everybody_with_their_own_figures_holds() -> None:
    judgement = check(journeys().history)
    assert not_held(judgement) == []
    assert claims_of(judgement)["everybody_completes"].measured["users"] == 3


def test_the_first_ones_answer_for_somebody_else_is_found() -> None:
    story = journeys({"ben": answer_for("ada")})
    judgement = check(story.history)
    assert findings(judgement) == ["JOURNEY_FOREIGN_ANSWER", "JOURNEY_ANSWER_NOT_GROUNDED"]
    assert judgement.first_disagreement is not None
    own = story.history.entries[judgement.first_disagreement.left]
    assert own.data["body"]["items"][1]["service"] == "Cloud Run"


def test_an_event_made_for_another_user_is_found() -> None:
    story = journeys()
    story.add(
        Kind.WS_RECEIVED, "ada", "ada-ws", message={}, events=[], request_id=None, owner="usr_ben"
    )
    assert "JOURNEY_FOREIGN_EVENT" in findings(check(story.history))


@pytest.mark.parametrize("came", [EVENTS[1:], (*EVENTS[:4], EVENTS[3], EVENTS[4]), EVENTS[::-1]])
def test_a_user_whose_events_are_missing_doubled_or_out_of_order_is_found(
    came: tuple[str, ...],
) -> None:
    judgement = check(journeys(events={"ben": came}).history)
    assert findings(judgement) == ["JOURNEY_USER_INCOMPLETE"]
    assert claims_of(judgement)["everybody_completes"].detail.startswith("ben's question got")


def test_one_users_own_word_does_not_vouch_for_the_others() -> None:
    without = answer_for("ben").replace("canary-ben", "shop")
    claim = claims_of(check(journeys({"ben": without}).history))["no_foreign_data"]
    assert claim.state is ClaimState.UNOBSERVED
    assert claim.detail.startswith("ben's own word is in no answer")


def test_ones_own_word_in_an_early_event_or_elsewhere_is_not_an_answer_with_it() -> None:
    story = journeys({"ben": answer_for("ben").replace("canary-ben", "shop")})
    story.events("ben", "req-ben-question", ("agent_started",))
    story.exchange("ben", "read something else", body={"name": "canary-ben"})
    early = [
        Entry(e.seq, e.t, e.actor, e.kind, e.subject, e.step, {**e.data, "message": "canary-ben"})
        if e.actor == "ben" and e.data.get("events") == ["agent_started"]
        else e
        for e in story.history
    ]
    for history in (story.history, History(tuple(early))):
        assert claims_of(check(history))["no_foreign_data"].state is ClaimState.UNOBSERVED


def test_users_who_wait_too_long_are_found() -> None:
    late = [
        Entry(e.seq, e.t + 11, e.actor, e.kind, e.subject, e.step, e.data)
        if e.kind is Kind.WS_RECEIVED and e.step == "ask_the_same"
        else e
        for e in journeys().history
    ]
    claim = claims_of(check(History(tuple(late))))["users_in_time"]
    assert claim.finding == "JOURNEY_USER_TOO_SLOW"
    assert claim.measured["mean_s"] > 10
    assert claim.threshold == "user_seconds"


def test_two_users_are_too_few_to_say_anything() -> None:
    claim = claims_of(check(journeys(users=("ada", "ben")).history))["everybody_completes"]
    assert claim.state is ClaimState.UNOBSERVED


@pytest.mark.parametrize("kind", [Kind.RESPONSE, Kind.SILENCE, Kind.EXPECTED, Kind.DECISION])
def test_what_a_probe_drops_is_not_held(kind: Kind) -> None:
    assert is_undecided(check(journeys().without(kind)))
