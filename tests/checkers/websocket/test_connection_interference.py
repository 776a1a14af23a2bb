"""What the check of websocket.connection_interference makes of users who connect at once."""

from __future__ import annotations

from gp_helpers.checkers import ClaimState
from gp_helpers.checkers.websocket.connection_interference import check
from gp_helpers.history import Kind
from tests.checkers.factory.histories import Story, all_held, findings, states

USERS = ("ada", "ben", "cleo")


def story(*, owner: str = "ben", felt: bool = True, refused: bool = False) -> Story:
    """Everybody connects and is answered; `owner` is whose answer comes on Ben's socket."""
    told = Story()
    told.add(Kind.EXPECTED, about="users at once", at_once=list(USERS))
    for user in USERS:
        told.user(user)
    told.add(Kind.MEASURED, fault="slow auth hop", value=float(felt))
    for user in USERS:
        is_refused = refused and user == "ben"
        told.add(Kind.WS_OPENING, user, f"{user}-1")
        if is_refused:
            told.add(Kind.WS_REFUSED, user, f"{user}-1", status=403)
            continue
        told.add(Kind.WS_OPENED, user, f"{user}-1")
        told.add(Kind.WS_RECEIVED, user, f"{user}-1", message={}, is_ready=True)
    for user in USERS[: 1 if refused else None]:
        request = told.ask(user, f"{user}-1", "question")
        told.answer(user, f"{user}-1", request, owner=owner if user == "ben" else None)
    told.silence()
    return told


def test_everybody_gets_their_own() -> None:
    assert all_held(check(story().history))


def test_an_answer_on_the_wrong_socket_is_found() -> None:
    judgement = check(story(owner="cleo").history)
    assert findings(judgement) == {"WS_EVENT_MISDELIVERED"}
    assert judgement.first_disagreement is not None


def test_a_handshake_that_is_refused_is_found() -> None:
    assert findings(check(story(refused=True).history)) == {"WS_HANDSHAKE_BROKEN"}


def test_handshakes_that_were_not_held_together_show_nothing() -> None:
    found = states(check(story(felt=False).history))
    assert found.pop("faults_were_felt") == ClaimState.UNOBSERVED
    assert set(found.values()) == {ClaimState.HELD}
