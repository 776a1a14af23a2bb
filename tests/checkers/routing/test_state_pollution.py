"""The check of routing.state_pollution, over histories by hand."""

from __future__ import annotations

import pytest

from gp_helpers.checkers import ClaimState
from gp_helpers.checkers.routing.state_pollution import check
from gp_helpers.history import Kind
from tests.checkers.routing.histories import Made, claim, findings, states

TEXT = {"technical": "Technical detail, by service: …", "plain": "In short: …"}


def made(*, ben_gets: str = "plain", handled_for: str = "ben", spoofed: str = "refused") -> Made:
    history = Made()
    for person in ("ada", "ben"):
        history.user(person)
    for person, style, gets in (("ada", "technical", "technical"), ("ben", "plain", ben_gets)):
        request_id = history.ask(person, f"{person} wants it {style}")
        history.add(
            Kind.EXPECTED, "lab", style_for=request_id, style=style,
            technical_marker="Technical detail",
        )  # fmt: skip
        if person == "ben" and handled_for != "ben":
            history.error(handled_for, request_id, "thread_not_found")
        else:
            history.answer(
                person, request_id, completed={"result": f"canary-{person}. {TEXT[gets]}"}
            )
    request_id = history.ask("ben", "spoofed")
    if spoofed == "refused":
        history.error("ben", request_id, "identity_spoofed")
    else:
        history.answer(spoofed, request_id)
    history.silence()
    return history


def test_everybody_gets_their_own() -> None:
    assert set(states(check(made().history)).values()) == {ClaimState.HELD}


def test_another_users_style() -> None:
    judgement = check(made(ben_gets="technical").history)
    assert findings(judgement) == {"ROUTING_FOREIGN_PREFERENCES"}
    assert judgement.first_disagreement is not None


def test_a_platform_that_states_the_style_is_believed_where_its_texts_are_unknown() -> None:
    history = Made()
    history.user("ada")
    request_id = history.ask("ada", "wants it technical")
    history.add(
        Kind.EXPECTED, "lab", style_for=request_id, style="technical", technical_marker=None
    )
    history.answer("ada", request_id, started={"preferences": {"style": "plain"}})
    history.silence()
    assert claim(check(history.history), "own_style").state is ClaimState.VIOLATED


def test_another_users_handler() -> None:
    judgement = check(made(handled_for="ada").history)
    assert findings(judgement) == {"ROUTING_FOREIGN_HANDLER"}
    assert "ada hears error about ben's request" in claim(judgement, "own_handler").detail


@pytest.mark.parametrize("worked_on_for", ["ada", "ben"])
def test_a_request_in_another_name_that_is_worked_on(worked_on_for: str) -> None:
    assert findings(check(made(spoofed=worked_on_for).history)) == {"ROUTING_SPOOFED_USER_ACCEPTED"}


def test_another_users_data() -> None:
    history = made()
    history.receive("ben", "req-2", "agent_completed", data={"result": "canary-ada spends most"})
    assert "ROUTING_FOREIGN_DATA" in findings(check(history.history))


def test_without_silence_nothing_is_proven() -> None:
    found = states(check(made().without(Kind.SILENCE)))
    assert ClaimState.UNOBSERVED in found.values()
    assert ClaimState.VIOLATED not in found.values()
