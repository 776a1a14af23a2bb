"""websocket.connection_interference: zero misdelivered and zero missing events, by canary."""

from __future__ import annotations

from gp_helpers.checkers.claims import Disagreement, Judgement
from gp_helpers.checkers.connections import connected
from gp_helpers.checkers.delivery import five_events, no_foreign_canary, own_events, questions
from gp_helpers.checkers.faults import faults_were_felt
from gp_helpers.history import History, Kind

FINDING = "WS_EVENT_MISDELIVERED"
LEAST_USERS = 2
FAULTS = {"slow auth hop": ("auth_hop",)}
"""What makes the handshakes overlap, and the ability without which it cannot be put."""


def check(history: History) -> Judgement:
    """Events by owner and by canary, and that none is missing."""
    expected = [entry for entry in history.of(Kind.EXPECTED) if "at_once" in entry.data]
    users = [str(label) for entry in expected[-1:] for label in entry.data["at_once"]]
    all_in = connected(history, users, "WS_HANDSHAKE_BROKEN")
    if len(users) < LEAST_USERS:
        all_in.unobserved(f"{len(users)} users at once are too few")
    own = own_events(history, FINDING)
    canary = no_foreign_canary(history, FINDING)
    complete = five_events(questions(history), FINDING)
    own.measured["misdelivered"] = len(own.violations)
    complete.expected = max(len(users), 1)
    complete.measured["users"] = len(users)
    claim = own.claim()
    disagreement = None
    if own.violations:
        entries, detail = own.violations[0]
        first = entries[0]
        seq = first if isinstance(first, int) else first.seq
        disagreement = Disagreement(seq, seq, f"the event names its owner, and {detail}")
    felt = faults_were_felt(history, FAULTS)
    claims = (all_in.claim(), claim, canary.claim(), complete.claim(), felt.claim())
    return Judgement(claims, disagreement)
