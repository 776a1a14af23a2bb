"""journey.error_recovery: each question is answered once, or its failure is told; never neither."""

from __future__ import annotations

from collections.abc import Sequence

from gp_helpers.checkers.claims import Disagreement, Judgement, Observed
from gp_helpers.checkers.connections import connected
from gp_helpers.checkers.delivery import Question, five_events, questions
from gp_helpers.checkers.faults import faults_were_felt
from gp_helpers.checkers.journey.answers import grounded, stored_once
from gp_helpers.history import Entry, History, Kind

FAULTS = {
    "reset": ("client_hop",),
    "lock": ("store_lock", "model_hop"),
    "model": ("model_hop",),
}
"""Each fault with the abilities without which it cannot be put."""
KILL = {"kill": ("instances",)}
"""Put where nobody says what is in flight: there work cannot be stopped at a chosen point."""


def check(history: History) -> Judgement:
    """Done once, not given up, right, stored, and the next message works."""
    asked = questions(history)
    journeys = [entry for entry in history.of(Kind.EXPECTED) if "journey" in entry.data]
    person = str(journeys[-1].data["journey"]) if journeys else ""
    is_from_outside = "diagnostics" in history.header.get("lacking", {})
    faults = FAULTS | KILL if is_from_outside else FAULTS
    hit = [question for question in asked if question.asked.data["about"] in faults]
    once, kept = _done_once(hit), _not_given_up(history, hit)
    answered = [question for question in asked if "agent_completed" in question.events]
    claims = (
        connected(history, [person] if person else []).claim(),
        faults_were_felt(history, faults).claim(),
        once.claim(),
        kept.claim(),
        grounded(history, answered).claim(),
        stored_once(history, asked, "JOURNEY_STORED_WRONG", person=person).claim(),
        five_events(
            questions(history, about=["next"]),
            "JOURNEY_NEXT_MESSAGE_FAILS",
            name="next_message_works",
            statement="the next message gets its five events, in order, exactly once",
        ).claim(),
    )
    return Judgement(claims, _first_disagreement(once, kept))


def _done_once(asked: Sequence[Question]) -> Observed:
    """An attempt that failed may be repeated; what was answered may not."""
    claim = Observed(
        "done_once",
        "a request that is sent again under the same id is answered once: its five events in "
        "order, after attempts that ended with an error",
        "JOURNEY_DONE_TWICE",
        expected=0,
        threshold="events",
    )
    for question in asked:
        claim.expected += 1
        about = question.asked.data["about"]
        answers = question.events.count("agent_completed")
        *failed, last = _attempts(question.received)
        whole = list(question.expected_events)
        in_order = last == whole and all(
            events == whole[: len(events)] and events != whole for events in failed
        )
        if question.settled is None:
            claim.unobserved(f"{about}: it did not get silent")
        elif answers > 1:
            claim.violated(
                f"{about}: {answers} answers to one request", *question.received, question.settled
            )
        elif answers == 0:
            # Whether that is allowed is another claim's business.
            claim.holds(question.asked, question.settled)
        else:
            claim.test(
                in_order,
                f"{about}: {len(question.events)} events, not the five in order",
                *question.received,
                question.settled,
            )
    claim.expected = max(claim.expected, 1)
    return claim


def _attempts(received: Sequence[Entry]) -> list[list[str]]:
    """The events of each attempt at a request; an error ends an attempt."""
    attempts: list[list[str]] = [[]]
    for entry in received:
        attempts[-1] += entry.data.get("events", ())
        if _is_error(entry):
            attempts.append([])
    return attempts


def _is_error(entry: Entry) -> bool:
    return not entry.data.get("events") and bool(entry.data.get("is_error"))


def _not_given_up(history: History, asked: Sequence[Question]) -> Observed:
    claim = Observed(
        "not_given_up",
        "every request ends with its answer, at the latest when it is tried again as told",
        "JOURNEY_GIVEN_UP",
        expected=0,
    )
    for question in asked:
        claim.expected += 1
        about = question.asked.data["about"]
        if question.settled is None or question.sent is None:
            claim.unobserved(f"{about}: it did not get silent")
            continue
        errors = [entry for entry in question.received if _is_error(entry)]
        told = f"{len(errors)} errors" if errors else "nobody was told"
        refused = _refused_after(history, question.sent)
        told += "".join(f"; coming back was refused with {e.data['status']}" for e in refused[-1:])
        claim.test(
            "agent_completed" in question.events,
            f"{about}: no answer, and {told}",
            question.sent,
            *question.received,
            *refused[-1:],
            question.settled,
        )
    claim.expected = max(claim.expected, 1)
    return claim


def _refused_after(history: History, sent: Entry) -> list[Entry]:
    return [e for e in history.of(Kind.WS_REFUSED, actor=sent.actor) if e.seq > sent.seq]


def _first_disagreement(once: Observed, kept: Observed) -> Disagreement | None:
    found = []
    for entries, detail in (*once.violations, *kept.violations):
        numbers = [e if isinstance(e, int) else e.seq for e in entries]
        found.append(Disagreement(numbers[0], numbers[-1], detail))
    return min(found, key=lambda one: one.right, default=None)
