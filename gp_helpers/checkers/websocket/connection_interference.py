"""websocket.connection_interference: zero misdelivered and zero missing events, by canary."""

from __future__ import annotations

from gp_helpers.checkers.claims import Disagreement, Judgement
from gp_helpers.checkers.delivery import five_events, no_foreign_canary, own_events, questions
from gp_helpers.history import History

FINDING = "WS_EVENT_MISDELIVERED"


def check(history: History) -> Judgement:
    """Events by owner and by canary, and that none is missing."""
    own = own_events(history, FINDING)
    canary = no_foreign_canary(history, FINDING)
    complete = five_events(questions(history), FINDING)
    own.measured["misdelivered"] = len(own.violations)
    complete.measured["users"] = complete.expected
    claim = own.claim()
    disagreement = None
    if own.violations:
        entries, detail = own.violations[0]
        first = entries[0]
        seq = first if isinstance(first, int) else first.seq
        disagreement = Disagreement(seq, seq, f"the event names its owner, and {detail}")
    return Judgement((claim, canary.claim(), complete.claim()), disagreement)
