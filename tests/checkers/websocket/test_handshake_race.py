"""What the check of websocket.handshake_race makes of each way in which a handshake can end."""

from __future__ import annotations

import pytest

from gp_helpers.checkers import ClaimState
from gp_helpers.checkers.websocket.handshake_race import check
from gp_helpers.history import Kind
from tests.checkers.factory.histories import Story, all_held, claim_of, findings, states


def served(story: Story, user: str, socket: str) -> None:
    story.add(Kind.WS_OPENING, user, socket)
    story.add(Kind.WS_OPENED, user, socket)
    story.add(Kind.WS_RECEIVED, user, socket, message={}, is_ready=True)
    story.add(Kind.WS_RECEIVED, user, socket, message={}, is_pong=True)


def story(control: bool = True, held: bool = True) -> Story:
    """Ben is served, and so is the control; what becomes of Ada is told afterwards."""
    told = Story()
    told.add(Kind.MEASURED, fault="held start-up", value=float(held))
    for user in ("ada", "ben"):
        told.add(Kind.EXPECTED, serve=user)
    served(told, "ben", "ben-1")
    if control:
        served(told, "control", "control-1")
    told.add(Kind.EXPECTED, "control", "control", control=True)
    return told


def refused(story: Story, status: int | None) -> None:
    story.add(Kind.WS_OPENING, "ada", "ada-1")
    story.add(Kind.WS_REFUSED, "ada", "ada-1", status=status)


def closed(story: Story, code: int, by: str) -> None:
    story.add(Kind.WS_OPENING, "ada", "ada-1")
    story.add(Kind.WS_OPENED, "ada", "ada-1")
    story.close("ada", "ada-1", code, by)


def test_everybody_served_holds() -> None:
    told = story()
    served(told, "ada", "ada-1")
    assert all_held(check(told.history))


@pytest.mark.parametrize("status", [403, 500, None])
def test_a_refusal_that_is_not_honest_is_found_even_if_the_next_try_is_served(
    status: int | None,
) -> None:
    told = story()
    refused(told, status)
    served(told, "ada", "ada-2")
    judgement = check(told.history)
    assert findings(judgement) == {"WS_HANDSHAKE_BROKEN"}
    assert claim_of(judgement, "refusals_are_honest").detail == f"ada: refused with {status}"


@pytest.mark.parametrize(("code", "by"), [(1006, "nobody"), (1011, "them"), (1000, "them")])
def test_a_connection_that_breaks_is_found_even_if_the_next_one_is_served(
    code: int, by: str
) -> None:
    told = story()
    closed(told, code, by)
    served(told, "ada", "ada-2")
    judgement = check(told.history)
    assert findings(judgement) == {"WS_HANDSHAKE_BROKEN"}
    assert claim_of(judgement, "refusals_are_honest").detail == f"ada: closed with {code} by {by}"


@pytest.mark.parametrize("status", [503, 429])
def test_an_honest_refusal_that_is_served_on_retry_holds(status: int) -> None:
    told = story()
    refused(told, status)
    served(told, "ada", "ada-2")
    assert all_held(check(told.history))


def test_an_honest_close_that_is_served_on_retry_holds() -> None:
    told = story()
    closed(told, 1013, "them")
    served(told, "ada", "ada-2")
    assert all_held(check(told.history))


def test_who_is_honestly_refused_for_ever_is_not_served() -> None:
    told = story()
    refused(told, 503)
    judgement = check(told.history)
    assert findings(judgement) == {"WS_SILENT_CONNECTION"}
    assert "never let in" in claim_of(judgement, "everybody_served").detail


def test_an_open_connection_without_a_pong_is_silent() -> None:
    told = story()
    told.add(Kind.WS_OPENING, "ada", "ada-1")
    opened = told.add(Kind.WS_OPENED, "ada", "ada-1")
    judgement = check(told.history)
    assert findings(judgement) == {"WS_SILENT_CONNECTION"}
    assert judgement.first_disagreement is not None
    assert judgement.first_disagreement.left == opened.seq


def test_a_start_that_was_not_held_was_no_cold_start() -> None:
    told = story(held=False)
    served(told, "ada", "ada-1")
    found = states(check(told.history))
    assert found.pop("faults_were_felt") == ClaimState.UNOBSERVED
    assert set(found.values()) == {ClaimState.HELD}


def test_silence_counts_only_where_the_control_was_served() -> None:
    told = story(control=False)
    told.add(Kind.WS_OPENED, "ada", "ada-1")
    found = states(check(told.history))
    assert found["control_served"] == found["everybody_served"] == ClaimState.UNOBSERVED
