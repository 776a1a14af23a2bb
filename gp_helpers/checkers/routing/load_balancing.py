"""routing.load_balancing: nothing is lost between instances, and none carries much more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from gp_helpers.checkers.claims import Disagreement, Judgement, Observed
from gp_helpers.checkers.delivery import Question, no_foreign_canary, questions
from gp_helpers.checkers.judging import threshold
from gp_helpers.checkers.routing.reading import about, data_of, expectations, is_event
from gp_helpers.history import Entry, History, Kind

LOST = "ROUTING_ANSWER_LOST"
UNEVEN = "ROUTING_LOAD_UNEVEN"
FOREIGN_DATA = "ROUTING_FOREIGN_DATA"


def check(history: History) -> Judgement:
    """Every device of a user against the five events; every instance against the mean load."""
    asked = questions(history)
    lost, disagreement = _lost(history, asked)
    return Judgement(
        (
            lost.claim(),
            _load(history, asked).claim(),
            no_foreign_canary(history, FOREIGN_DATA).claim(),
        ),
        disagreement,
    )


def _lost(history: History, asked: list[Question]) -> tuple[Observed, Disagreement | None]:
    claim = Observed(
        "nothing_lost",
        "each of a user's devices gets the five events of each request, in order, once",
        LOST,
    )
    first: Disagreement | None = None
    devices: dict[str, list[Entry]] = {}
    for opened in history.of(Kind.WS_OPENED):
        devices.setdefault(opened.actor, []).append(opened)
    claim.expected = max(sum(len(devices.get(one.person, ())) for one in asked), 1)
    for question in asked:
        messages = about(history, question.request_id)
        for device in devices.get(question.person, ()):
            received = [entry for entry in messages if entry.subject == device.subject]
            names = [name for entry in received for name in entry.data.get("events", ())]
            if question.settled is None:
                claim.unobserved(f"{device.subject}: it did not get silent")
            elif names == list(question.expected_events):
                claim.holds(device, *received, question.settled)
            else:
                claim.violated(
                    f"{device.subject} gets {len(names)} of {len(question.expected_events)} events",
                    device,
                    *received,
                    question.settled,
                )
                elsewhere = [entry for entry in messages if entry.subject != device.subject]
                if elsewhere and first is None:
                    first = Disagreement(
                        elsewhere[0].seq,
                        question.settled.seq,
                        f"{elsewhere[0].subject} gets the answer, {device.subject} does not",
                    )
    return claim, first


def _load(history: History, asked: list[Question]) -> Observed:
    limit = threshold(history, "load_ratio")
    claim = Observed(
        "load_is_even",
        "no instance works on many more requests than the mean",
        UNEVEN,
        threshold="load_ratio",
    )
    known = [
        str(name)
        for entry in expectations(history, "instances")
        for name in entry.data["instances"]
    ]
    load: Counter[str] = Counter(dict.fromkeys(known, 0))
    basis = []
    for question in asked:
        started = [
            entry
            for entry in about(history, question.request_id)
            if is_event(entry, "agent_started") and _instance(entry) is not None
        ]
        if not started:
            claim.unobserved(f"nothing says where {question.person}'s request was worked on")
            continue
        load[str(_instance(started[0]))] += 1
        basis.append(started[0])
    if not known:
        claim.unobserved("the instances are not known")
    placed = [e for e in history.of(Kind.DECISION) if e.data["decider"] == "placement"]
    if len(placed) < len(asked):
        claim.unobserved(f"of {len(placed)} requests it is known whether they stayed")
    if basis and known:
        mean = sum(load.values()) / len(load)
        ratio = max(load.values()) / mean
        claim.measured |= {"max/mean": round(ratio, 3)}
        told = ", ".join(f"{name} {number}" for name, number in sorted(load.items()))
        claim.test(ratio <= limit, f"requests by instance: {told}", *basis, *placed)
    return claim


def _instance(entry: Entry) -> object:
    queue = data_of(entry).get("queue")
    return queue.get("instance") if isinstance(queue, Mapping) else None
