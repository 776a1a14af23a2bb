"""websocket.event_manager_init: the first question's five events, in order, exactly once."""

from __future__ import annotations

from gp_helpers.checkers.claims import Disagreement, Judgement
from gp_helpers.checkers.delivery import five_events, questions
from gp_helpers.checkers.faults import faults_were_felt
from gp_helpers.history import History, Kind

FAULTS = {"slow auth hop": ("auth_hop",)}
"""What keeps the event manager from being there at once."""


def check(history: History) -> Judgement:
    """The early question, and a control on the same connection."""
    early = questions(history, about=["question"])
    first = five_events(
        early,
        "WS_EVENTS_LOST_AFTER_CONNECT",
        name="first_question_answered",
        statement="a question right after the handshake gets its five events, in order, once",
    )
    control = five_events(
        questions(history, about=["control"]),
        "WS_CONTROL_NOT_SERVED",
        name="control_answered",
        statement="a later question on the same connection gets its five events",
    )
    first.measured["events"] = sum(len(question.events) for question in early)
    claim = first.claim()
    disagreement = None
    opened = history.of(Kind.WS_OPENED)
    if early and early[0].sent and early[0].settled and claim.finding and opened:
        disagreement = Disagreement(
            opened[0].seq,
            early[0].settled.seq,
            "the gateway said that the connection is open and took the question; its registry "
            "knew of no connection while the agent worked",
        )
    felt = faults_were_felt(history, FAULTS)
    return Judgement((claim, control.claim(), felt.claim()), disagreement)
