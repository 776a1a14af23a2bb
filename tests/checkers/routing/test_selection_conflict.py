"""The check of routing.selection_conflict, over histories by hand."""

from __future__ import annotations

import pytest

from gp_helpers.checkers import ClaimState
from gp_helpers.checkers.routing.selection_conflict import check
from gp_helpers.history import Kind
from tests.checkers.routing.histories import Made, claim, findings, states

RIGHT = {"m1": "analysis", "m2": "planning", "m3": "refused:unknown_agent"}


def made(decisions: dict[str, dict[str, str]] | None = None, **sample: str) -> Made:
    """Routers that decide; messages that are sent, and what happens to each."""
    history = Made()
    history.user("ada")
    history.recorder.step = "ask_every_router"
    history.add(Kind.EXPECTED, "lab", about="corpus", right_agents=RIGHT)
    for router, decided in (decisions or {"router": RIGHT}).items():
        for message, agent in decided.items():
            history.add(
                Kind.DECISION, "lab", decider=router, about=message, agent=agent, message=message
            )
    history.recorder.step = "send_a_sample"
    for message, right in RIGHT.items():
        request_id = history.ask("ada", "sample", "Why is that so expensive?")
        history.add(Kind.EXPECTED, "lab", right_for=request_id, right=right, message=message)
        ran = sample.get(message, right)
        if ran.startswith("refused:"):
            history.error("ada", request_id, ran.removeprefix("refused:"))
        elif ran:
            result = {"result": "You asked why it is expensive."}
            history.answer("ada", request_id, agent=ran, completed=result)
    history.silence()
    return history


def test_everything_right() -> None:
    judgement = check(made().history)
    assert set(states(judgement).values()) == {ClaimState.HELD}
    assert judgement.first_disagreement is None
    assert claim(judgement, "router_decisions").measured["wrong"] == 0


def test_two_routers_that_disagree() -> None:
    history = made({"gateway": {**RIGHT, "m2": "triage"}, "registry": RIGHT}).history
    judgement = check(history)
    assert findings(judgement) == {"ROUTING_WRONG_AGENT"}
    assert claim(judgement, "router_decisions").state is ClaimState.VIOLATED
    first = judgement.first_disagreement
    assert first is not None
    assert [history.entries[seq].data["agent"] for seq in (first.left, first.right)] == [
        "triage",
        "planning",
    ]


def test_one_router_that_is_wrong_disagrees_with_the_person_who_wrote_the_corpus() -> None:
    judgement = check(made({"router": {**RIGHT, "m1": "planning"}}).history)
    assert "right is analysis" in claim(judgement, "router_decisions").detail


@pytest.mark.parametrize(("message", "ran"), [("m1", "triage"), ("m3", "analysis")])
def test_a_wrong_agent_that_ran(message: str, ran: str) -> None:
    judgement = check(made(**{message: ran}).history)
    assert claim(judgement, "agent_that_ran").finding == "ROUTING_WRONG_AGENT"


def test_a_message_that_is_handled_twice() -> None:
    history = made()
    history.answer("ada", "req-1", agent="planning")
    assert "ROUTING_HANDLED_TWICE" in findings(check(history.history))


def test_an_answer_to_something_else() -> None:
    history = made(m1="")
    history.answer("ada", "req-1", completed={"result": "Nothing to see."})
    history.silence()
    assert findings(check(history.history)) == {"ROUTING_ANSWER_OFF_TOPIC"}


def test_half_a_corpus_is_no_proof() -> None:
    half = {message: RIGHT[message] for message in ("m1", "m2")}
    decided = claim(check(made({"router": half}).history), "router_decisions")
    assert decided.state is ClaimState.UNOBSERVED


@pytest.mark.parametrize("kind", [Kind.DECISION, Kind.SILENCE, Kind.WS_SENT])
def test_a_blind_probe_proves_nothing(kind: Kind) -> None:
    found = states(check(made().without(kind)))
    assert ClaimState.UNOBSERVED in found.values()
    assert ClaimState.VIOLATED not in found.values()
