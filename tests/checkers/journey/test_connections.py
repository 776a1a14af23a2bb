"""Who is logged in can connect: refused, silent and unrecorded handshakes."""

from __future__ import annotations

from gp_helpers.checkers import ClaimState
from gp_helpers.checkers.connections import connected
from gp_helpers.history import Kind
from tests.checkers.journey.story import Story


def test_everybody_who_is_greeted_is_connected() -> None:
    story = Story("journey.multi_user_isolation")
    for label in ("ada", "ben"):
        story.connect(label, f"{label}-ws")
    claim = connected(story.history, ["ada", "ben"]).claim()
    assert claim.state is ClaimState.HELD
    assert len(claim.entries) == 4


def test_somebody_who_is_refused_is_named() -> None:
    story = Story("journey.multi_user_isolation")
    story.connect("ada", "ada-ws")
    story.connect("ben", "ben-ws", refused=401)
    claim = connected(story.history, ["ada", "ben"]).claim()
    assert (claim.finding, claim.detail) == ("JOURNEY_NOT_CONNECTED", "ben is refused with 401")


def test_the_first_connection_counts() -> None:
    story = Story("journey.login_to_answer")
    story.connect("ada", "ada-ws-1")
    story.connect("ada", "ada-ws-2", refused=401)
    assert connected(story.history, ["ada"]).claim().state is ClaimState.HELD


def test_only_a_wait_for_its_word_makes_a_connection_silent() -> None:
    """A target need not state how it says that it is ready."""
    story = Story("journey.error_recovery")
    story.add(Kind.WS_OPENING, "ada", "ws")
    story.add(Kind.WS_OPENED, "ada", "ws")
    story.add(Kind.TIMEOUT, "ada", "ws", awaited="close", seconds=5.0, definite=False)
    claim = connected(story.history, ["ada"]).claim()
    assert claim.state is ClaimState.UNOBSERVED
    assert "nothing says whether it serves" in claim.detail
    story.add(Kind.TIMEOUT, "ada", "ws", awaited="ready", seconds=5.0, definite=False)
    assert connected(story.history, ["ada"]).claim().state is ClaimState.VIOLATED


def test_what_is_not_on_record_is_not_held() -> None:
    story = Story("journey.login_to_answer")
    assert connected(story.history, ["ada"]).claim().state is ClaimState.UNOBSERVED
    assert connected(story.history, []).claim().state is ClaimState.UNOBSERVED
    story.add(Kind.WS_OPENING, "ada", "ws")
    story.add(Kind.WS_OPENED, "ada", "ws")
    assert connected(story.history, ["ada"]).claim().state is ClaimState.UNOBSERVED
