"""factory.user_context_isolation: whose objects, whose events, whose figures."""

from __future__ import annotations

from gp_helpers.checkers.claims import Disagreement, Judgement, Observed
from gp_helpers.checkers.delivery import (
    five_events,
    no_foreign_canary,
    own_events,
    people,
    questions,
)
from gp_helpers.history import History, Kind

FOREIGN = "FACTORY_FOREIGN_CONNECTION"
LOST = "FACTORY_EVENTS_LOST"


def check(history: History) -> Judgement:
    """Every object, event and figure belongs to the user whose session it is in."""
    asked = questions(history)
    events = own_events(history, FOREIGN)
    events.expected = max(5 * len(asked), 1)
    figures = no_foreign_canary(history, FOREIGN)
    figures.expected = events.expected
    answered = five_events(
        asked, LOST, name="everybody_answered", statement="everybody gets five events of their own"
    )
    claim = events.claim()
    return Judgement(
        (_own_objects(history).claim(), claim, figures.claim(), answered.claim()),
        _first_foreign(history),
    )


def _own_objects(history: History) -> Observed:
    claim = Observed(
        "own_objects",
        "every object of a session belongs to the session's user",
        FOREIGN,
        threshold="contamination",
    )
    users = people(history)
    labels = {user["user_id"]: label for label, user in users.items()}
    for reading in history.of(Kind.READING):
        if "connected" not in reading.data:
            continue
        claim.expected = max(claim.expected, int(reading.data["connected"]))
        for session in reading.data.get("sessions", ()):
            owner = labels.get(session["user_id"], "somebody else")
            for node in session["graph"]["nodes"]:
                if node["owner"] is not None:
                    claim.test(
                        node["owner"] == session["user_id"],
                        f"the {node['id']} in {owner}'s session is "
                        f"{labels.get(node['owner'], 'somebody else')}'s",
                        reading,
                    )
    return claim


def _first_foreign(history: History) -> Disagreement | None:
    """The first event that says it is for one user, on a socket that was opened by another."""
    users = people(history)
    opened = {entry.subject: entry for entry in history.of(Kind.WS_OPENED)}
    for entry in history.of(Kind.WS_RECEIVED):
        owner = entry.data.get("owner")
        if owner is None or entry.actor not in users or entry.subject not in opened:
            continue
        if str(owner) != users[entry.actor]["user_id"]:
            return Disagreement(
                opened[entry.subject].seq,
                entry.seq,
                f"the gateway knows this socket as {entry.actor}'s, the event on it is for "
                "another user",
            )
    return None
