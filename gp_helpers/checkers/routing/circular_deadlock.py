"""routing.circular_deadlock: hand-offs end, with no cycle of waits and no cycle of hops."""

from __future__ import annotations

from collections.abc import Mapping

from gp_helpers.checkers.claims import Disagreement, Judgement, Observed
from gp_helpers.checkers.delivery import Question, five_events, questions
from gp_helpers.checkers.routing.reading import data_of, is_error, is_event
from gp_helpers.checkers.routing.wait_for import cycle_in, waits_of
from gp_helpers.history import Entry, History, Kind

DEADLOCK = "ROUTING_DEADLOCK"
CYCLE = "ROUTING_HANDOFF_CYCLE"
UNFINISHED = "ROUTING_REQUEST_UNFINISHED"
LIMIT_REACHED = "handoff_limit"


def check(history: History) -> Judgement:
    """What the platform says of its locks and paths, and what came of each request."""
    asked = questions(history)
    names = {question.request_id: str(question.asked.data.get("about")) for question in asked}
    waits, disagreement = _waits(history, names)
    return Judgement(
        (
            waits.claim(),
            _hops(history, asked, names).claim(),
            five_events(
                asked,
                UNFINISHED,
                name="all_end",
                statement="every request that is handed on ends with its answer",
            ).claim(),
        ),
        disagreement,
    )


def _waits(history: History, names: Mapping[str, str]) -> tuple[Observed, Disagreement | None]:
    claim = Observed(
        "no_cycle_of_waits",
        "no request waits, however indirectly, for itself",
        DEADLOCK,
    )
    first: Disagreement | None = None
    readings = [entry for entry in history.of(Kind.READING, step="watch") if "locks" in entry.data]
    before = [e for e in history.of(Kind.READING) if "locks" in e.data and e not in readings]
    if not readings:
        claim.unobserved("the platform was not asked about its locks at the end")
    for reading in (*before, *readings):
        cycle = cycle_in(waits_of(reading.data["locks"]))
        told = " waits for ".join(f"'{names.get(one, one)}'" for one in cycle or ())
        claim.test(cycle is None, told, reading)
        if cycle is not None and first is None:
            basis = before[-1].seq if before else reading.seq
            first = Disagreement(basis, reading.seq, told)
    return claim, first


def _hops(history: History, asked: list[Question], names: Mapping[str, str]) -> Observed:
    claim = Observed(
        "each_agent_once",
        "a request that several agents work on is handed on, to each of them at most once",
        CYCLE,
    )
    claim.expected = max(len(asked), 1)
    for reading in history.of(Kind.READING):
        for handed in reading.data.get("handoffs") or ():
            path = [str(agent) for agent in handed.get("path", ())]
            name = names.get(str(handed.get("request_id")))
            if name is not None and len(set(path)) < len(path):
                claim.violated(f"'{name}' goes {' → '.join(path)}", reading)
    for question in asked:
        name = names[question.request_id]
        ends = [
            entry
            for entry in question.received
            if is_event(entry, "agent_completed") or is_error(entry)
        ]
        if not ends:
            claim.unobserved(f"'{name}' did not end")
            continue
        _judge_end(claim, name, ends[0])
    return claim


def _judge_end(claim: Observed, name: str, end: Entry) -> None:
    data = data_of(end)
    if is_error(end):
        if data.get("code") == LIMIT_REACHED:
            claim.violated(f"'{name}': {data.get('message')}", end)
        else:
            claim.unobserved(f"'{name}' ends with {data.get('code')}")
        return
    hops = [hop for hop in data.get("handoffs", ()) if isinstance(hop, Mapping)]
    agents = [*(str(hop.get("from")) for hop in hops[:1]), *(str(hop.get("to")) for hop in hops)]
    if not hops:
        claim.unobserved(f"'{name}' was not handed on")
        return
    claim.test(len(set(agents)) == len(agents), f"'{name}' goes {' → '.join(agents)}", end)
