"""factory.dependency_injection: the graph is complete, the events arrive, and the log says so."""

from __future__ import annotations

from gp_helpers.checkers.claims import Claim, Disagreement, Judgement, Observed
from gp_helpers.checkers.delivery import five_events, questions
from gp_helpers.history import Entry, History, Kind

LOST = "FACTORY_EVENTS_LOST"
INCOMPLETE = "FACTORY_GRAPH_INCOMPLETE"


def check(history: History) -> Judgement:
    """Five events, a graph without gaps and cycles, and a platform that knows what it did."""
    asked = questions(history)
    events = five_events(asked, LOST, name="five_events")
    claim = events.claim()
    believes = [
        (reading, session)
        for reading in history.of(Kind.READING)
        if reading.data.get("asked")
        for session in reading.data.get("sessions", ())
    ]
    agrees = Observed(
        "log_agrees", "a request that counts as completed has reached its client", LOST
    )
    disagreement = None
    for reading, session in believes:
        silent = session["completed"] > 0 and session["delivered"] == 0
        agrees.measured |= {"completed": session["completed"], "delivered": session["delivered"]}
        agrees.test(
            not silent,
            f"{session['completed']} requests count as completed, {session['delivered']} events "
            "were delivered",
            reading,
        )
        if silent and disagreement is None and asked and asked[0].settled is not None:
            disagreement = Disagreement(
                asked[0].settled.seq,
                reading.seq,
                "the client got nothing and nothing is on its way; the engine counts the request "
                "as completed",
            )
    graph, gap = _graph_complete(history)
    return Judgement((claim, graph, agrees.claim()), disagreement or gap)


def _graph_complete(history: History) -> tuple[Claim, Disagreement | None]:
    claim = Observed(
        "graph_complete",
        "every dependency of a session's objects is there, and none goes round in a circle",
        INCOMPLETE,
    )
    readings: list[tuple[Entry, dict[str, object]]] = [
        (reading, session["graph"])
        for reading in history.of(Kind.READING)
        for session in reading.data.get("sessions", ())
    ]
    for reading, graph in readings:
        for edge in graph["unresolved"]:  # type: ignore[attr-defined]
            claim.violated(
                f"{edge['from']} was never given its {edge['name']} ({edge['injected']})", reading
            )
        for cycle in graph["cycles"]:  # type: ignore[attr-defined]
            claim.violated(f"{' needs '.join([*cycle, cycle[0]])}", reading)
        if graph["nodes"] and not graph["unresolved"] and not graph["cycles"]:
            claim.holds(reading)
    opened = history.of(Kind.WS_OPENED)
    gap = None
    if claim.violations and opened:
        gap = Disagreement(
            opened[0].seq, readings[0][0].seq, "the session is open; its objects are not complete"
        )
    return claim.claim(), gap
