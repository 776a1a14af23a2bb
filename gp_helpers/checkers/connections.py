"""That whoever is logged in can connect, as the checks of several suites share it."""

from __future__ import annotations

from collections.abc import Collection

from gp_helpers.checkers.claims import Observed
from gp_helpers.history import Entry, History, Kind

NOT_CONNECTED = "JOURNEY_NOT_CONNECTED"


def connected(
    history: History,
    people: Collection[str],
    finding: str = NOT_CONNECTED,
    *,
    every_time: bool = False,
) -> Observed:
    """Each of these people's first connection, or every one, is opened and is said to serve."""
    claim = Observed(
        "connected",
        "who is logged in can connect, and is told that the connection serves",
        finding,
        expected=max(len(people), 1),
    )
    for person in people:
        openings = history.of(Kind.WS_OPENING, actor=person)
        if not openings:
            claim.unobserved(f"no handshake of {person} is on record")
        judged = openings if every_time else openings[:1]
        claim.expected += max(len(judged) - 1, 0)
        for opening in judged:
            _judge(claim, person, opening, history.about(opening.subject))
    return claim


def _judge(claim: Observed, person: str, opening: Entry, about: list[Entry]) -> None:
    ready = [entry for entry in about if entry.data.get("is_ready")]
    refused = [entry for entry in about if entry.kind is Kind.WS_REFUSED]
    waited = [e for e in about if e.kind is Kind.TIMEOUT and e.data["awaited"] == "ready"]
    opened = [entry for entry in about if entry.kind is Kind.WS_OPENED]
    if ready:
        claim.holds(opening, ready[0])
    elif refused:
        status = refused[0].data["status"]
        claim.violated(f"{person} is refused with {status}", opening, refused[0])
    elif waited:
        claim.violated(f"{person}'s connection is open and silent", opening, waited[0])
    elif opened:
        claim.unobserved(f"{person}'s connection is open, and nothing says whether it serves")
    else:
        claim.unobserved(f"what became of {person}'s handshake is not on record")
