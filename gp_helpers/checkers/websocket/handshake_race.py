"""websocket.handshake_race: every connection is served, or honestly refused and served on retry."""

from __future__ import annotations

from gp_helpers.checkers.claims import Disagreement, Judgement, Observed
from gp_helpers.checkers.faults import faults_were_felt
from gp_helpers.history import Entry, History, Kind

HONEST_STATUSES = (503, 429)
HONEST_CLOSE_CODE = 1013
HELD = "held start-up"
FAULTS = {HELD: ("instances", "auth_hop")}
"""What makes a cold start last; elsewhere it takes as long as it takes."""


def check(history: History) -> Judgement:
    """Silence counts once a control connection was served: the platform serves by then."""
    served = Observed(
        "everybody_served",
        "every connection is greeted and has a pong, at the latest after an honest refusal",
        "WS_SILENT_CONNECTION",
    )
    honest = Observed(
        "refusals_are_honest",
        "whoever is not served is refused with 503 or 1013 and not otherwise",
        "WS_HANDSHAKE_BROKEN",
    )
    control = Observed(
        "control_served",
        "a connection that is made when the platform is ready is served",
        "WS_CONTROL_NOT_SERVED",
    )
    controls = [entry for entry in history.of(Kind.EXPECTED) if entry.data.get("control")]
    ready_at: Entry | None = None
    for entry in controls:
        greeting, pong = _service(history, entry.actor)
        if greeting and pong:
            control.holds(greeting, pong)
            ready_at = pong
    expected = [entry for entry in history.of(Kind.EXPECTED) if "serve" in entry.data]
    served.expected = honest.expected = max(len(expected), 1)
    disagreement = None
    silent = 0
    for entry in expected:
        user = entry.data["serve"]
        greeting, pong = _service(history, user)
        opened = history.of(Kind.WS_OPENED, actor=user)
        ends = history.of(Kind.WS_REFUSED, Kind.WS_CLOSED, actor=user)
        if greeting and pong:
            served.holds(greeting, pong)
        elif ready_at is None:
            served.unobserved(f"{user} is not served, but neither was the control")
        elif not opened and not ends:
            served.unobserved(f"no handshake of {user} was seen")
        else:
            silent += 1
            what = "is open and silent" if opened else "was never let in"
            served.violated(f"{user}'s connection {what}", *(opened or ends), ready_at)
            if opened and disagreement is None:
                disagreement = Disagreement(
                    opened[0].seq,
                    ready_at.seq,
                    f"the gateway accepted {user}'s connection; when the platform was ready, "
                    "nothing in it knew of that connection",
                )
        dishonest = [e for e in ends if not _is_honest(e)]
        honest.test(
            not dishonest,
            f"{user}: {_described(dishonest[0]) if dishonest else ''}",
            *(dishonest or opened or ends or [entry]),
        )
    served.measured["silent_connections"] = silent
    served.measured["connections"] = len(expected)
    claims = [control.claim(), served.claim(), honest.claim()]
    if "instances" in history.header.get("lacking", {}):
        claims.append(_spoke_in_reverse(history).claim())
    elif not set(FAULTS[HELD]) & set(history.header.get("lacking", {})):
        claims.append(faults_were_felt(history, FAULTS).claim())
    return Judgement(tuple(claims), disagreement)


def _spoke_in_reverse(history: History) -> Observed:
    """Where nothing can be started cold, there has to be another lever, and it has to be felt."""
    claim = Observed(
        "order_was_turned",
        "no instance is started here; of the clients who connected, the first was heard last",
        "FAULT_NOT_FELT",
    )
    for entry in history.of(Kind.MEASURED):
        if entry.data.get("fault") == "reverse":
            if entry.data["value"]:
                claim.holds(entry)
            else:
                claim.unobserved(f"they were heard in the order {entry.data['order']}")
    return claim


def _service(history: History, user: str) -> tuple[Entry | None, Entry | None]:
    """The greeting and the pong of a user, if they came."""
    received = history.of(Kind.WS_RECEIVED, actor=user)
    greetings = [e for e in received if e.data.get("is_ready")]
    pongs = [e for e in received if e.data.get("is_pong")]
    return (greetings[0] if greetings else None), (pongs[-1] if pongs else None)


def _is_honest(entry: Entry) -> bool:
    if entry.kind is Kind.WS_REFUSED:
        return entry.data["status"] in HONEST_STATUSES
    return bool(entry.data["by"] == "us" or entry.data["code"] == HONEST_CLOSE_CODE)


def _described(entry: Entry) -> str:
    if entry.kind is Kind.WS_REFUSED:
        return f"refused with {entry.data['status']}"
    return f"closed with {entry.data['code']} by {entry.data['by']}"
