"""Answered once after whatever broke; told where it was not; nothing lost, nothing doubled."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gp_helpers.checkers import ClaimState
from gp_helpers.checkers.journey.error_recovery import check
from gp_helpers.history import Kind
from gp_helpers.parameters.description import EVENTS
from gp_helpers.probes.client import Stored, stored
from tests.checkers.journey.story import (
    QUESTION,
    Story,
    answer_for,
    claims_of,
    findings,
    is_undecided,
    not_held,
)

Act = Callable[[Story, str], None]


def answered(story: Story, request: str) -> None:
    about = request.removeprefix("req-ada-")
    story.events("ada", request, answer=answer_for("ada", f"{QUESTION} ({about})"))
    story.silence()


def failed_and_tried_again(story: Story, request: str) -> None:
    story.events("ada", request, EVENTS[:2])
    story.error("ada", request)
    story.silence()
    story.send("ada", request)
    answered(story, request)


def answered_twice(story: Story, request: str) -> None:
    answered(story, request)
    story.send("ada", request)
    answered(story, request)


def given_up(story: Story, request: str) -> None:
    story.events("ada", request, EVENTS[:2])
    story.silence()


def straggling(story: Story, request: str) -> None:
    answered(story, request)
    story.events("ada", request, EVENTS[:1])
    story.silence()


def journey(
    *,
    reset: Act = answered,
    lock: Act = failed_and_tried_again,
    then: Act = answered,
    unfelt: str | None = None,
    doubled: bool = False,
    kill: Act | None = None,
    found: int | None = None,
    at_least: bool = False,
) -> Story:
    """`kill`: from outside, where an instance is killed; `found`: by the target's own rule."""
    lacking = {} if kill is None else {"lacking": {"diagnostics": "not ours"}}
    story = Story("journey.error_recovery", **lacking)
    story.user("ada")
    story.add(Kind.EXPECTED, about="the journey", journey="ada")
    story.billing("ada")
    story.connect("ada")
    stored = []
    killed = [("kill", kill)] if kill is not None else []
    for about, act in (
        *killed, ("reset", reset), ("lock", lock), ("model", answered), ("next", then)
    ):  # fmt: skip
        text = f"{QUESTION} ({about})"
        request = story.ask("ada", about, text)
        if about != "next":
            felt = float(about != unfelt)
            story.add(Kind.MEASURED, quantity="fault", fault=about, value=felt, unit="felt")
        act(story, request)
        story.note_answer("ada", request)
        stored.append({"content": text})
        if act is not given_up:
            stored.append({"content": answer_for("ada", text)})
    body = {"messages": stored + stored[:1] * doubled}
    read = story.exchange("ada", "read the conversation", body=body)
    if found is not None:
        request = "req-ada-reset"
        story.add(
            Kind.MEASURED, "ada", request, quantity="stored", value=found, unit="times",
            question=request, exchange=read.seq, at_least=at_least,
        )  # fmt: skip
    return story


def test_recovery_from_three_faults_holds() -> None:
    assert not_held(check(journey().history)) == []


def test_work_that_is_done_twice_is_found() -> None:
    judgement = check(journey(reset=answered_twice).history)
    assert findings(judgement) == ["JOURNEY_DONE_TWICE"]
    assert judgement.first_disagreement is not None
    assert "2 answers" in judgement.first_disagreement.description


def test_a_request_that_is_given_up_silently_is_found() -> None:
    judgement = check(journey(lock=given_up).history)
    assert findings(judgement) == ["JOURNEY_GIVEN_UP"]
    assert "nobody was told" in claims_of(judgement)["not_given_up"].detail


def test_events_after_the_answer_are_found() -> None:
    assert findings(check(journey(reset=straggling).history)) == ["JOURNEY_DONE_TWICE"]


def test_a_next_message_that_does_not_work_is_found() -> None:
    assert "JOURNEY_NEXT_MESSAGE_FAILS" in findings(check(journey(then=given_up).history))


def test_a_question_that_is_stored_twice_is_found() -> None:
    assert findings(check(journey(doubled=True).history)) == ["JOURNEY_STORED_WRONG"]


@pytest.mark.parametrize(("found", "expected"), [(1, []), (0, ["JOURNEY_STORED_WRONG"])])
def test_the_targets_own_rule_says_how_often_a_question_is_stored(
    found: int, expected: list[str]
) -> None:
    assert findings(check(journey(found=found).history)) == expected


def test_a_rule_that_only_says_that_a_question_is_stored_does_not_show_once() -> None:
    claim = claims_of(check(journey(found=1, at_least=True).history))["stored_once"]
    assert claim.state is ClaimState.UNOBSERVED
    assert "not how often" in claim.detail


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (2, Stored(2)), ([{"re": 1}, {"re": 1}], Stored(2)), ([[{}], [], [False, None]], Stored(1)),
        ([], Stored(0)), (True, Stored(1, at_least=True)), ("id", Stored(1, at_least=True)),
        (False, Stored(0)), (None, Stored(0)),
    ],
)  # fmt: skip
def test_a_list_counts_and_a_bare_yes_does_not(found: object, expected: Stored) -> None:
    assert stored(found) == expected


@pytest.mark.parametrize("unfelt", ["lock", "kill"])
def test_a_fault_that_hit_nothing_proves_nothing(unfelt: str) -> None:
    claim = claims_of(check(journey(unfelt=unfelt, kill=answered).history))["faults_were_felt"]
    assert claim.state is ClaimState.UNOBSERVED


def test_a_request_that_is_given_up_with_its_instance_is_found() -> None:
    assert not_held(check(journey(kill=answered).history)) == []
    assert findings(check(journey(kill=given_up).history)) == ["JOURNEY_GIVEN_UP"]


@pytest.mark.parametrize(
    "kind", [Kind.RESPONSE, Kind.SILENCE, Kind.MEASURED, Kind.EXPECTED, Kind.DECISION]
)
def test_what_a_probe_drops_is_not_held(kind: Kind) -> None:
    assert is_undecided(check(journey().without(kind)))
