"""routing.priority: what is urgent starts next, by the queue's own numbers; no clock is needed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gp_helpers.checkers.claims import Disagreement, Judgement, Observed
from gp_helpers.checkers.delivery import Question, five_events, questions
from gp_helpers.checkers.judging import threshold
from gp_helpers.checkers.routing.reading import data_of, expectations, is_error, is_event
from gp_helpers.history import Entry, History, Kind

OVERTAKEN = "ROUTING_URGENT_OVERTAKEN"
TOO_SLOW = "ROUTING_URGENT_TOO_SLOW"
COERCED = "ROUTING_PRIORITY_COERCED"
LOST = "ROUTING_REQUEST_LOST"
UNKNOWN = "unknown priority"
RELEASED = "let the model server answer"
"""The control from which on the worker can work; what it was held before does not count."""


def check(history: History) -> Judgement:
    """The urgent request against the normal ones that had not started when it was queued."""
    asked = [question for question in questions(history) if ":" in _about(question)]
    urgent = [question for question in asked if _about(question).startswith("high")]
    others = [question for question in asked if not _about(question).startswith("high")]
    first, overtaken = _starts_first(history, urgent, others)
    return Judgement(
        (
            first.claim(),
            _in_time(history, urgent).claim(),
            five_events(
                asked,
                LOST,
                name="all_are_answered",
                statement="every request that was queued is answered, once",
            ).claim(),
            _unknown_is_refused(history).claim(),
        ),
        overtaken,
    )


def _about(question: Question) -> str:
    return str(question.asked.data.get("about"))


def _place(question: Question) -> tuple[Entry, Mapping[str, Any]] | None:
    """The event in which a request starts, and its place among the acts of the queue."""
    for entry in question.received:
        place = data_of(entry).get("queue")
        if is_event(entry, "agent_started") and isinstance(place, Mapping) and "queued" in place:
            return entry, place
    return None


def _starts_first(
    history: History, urgent: list[Question], others: list[Question]
) -> tuple[Observed, Disagreement | None]:
    claim = Observed(
        "urgent_starts_first",
        "no request that was less urgent and still waiting when the urgent one was queued starts "
        "before it",
        OVERTAKEN,
    )
    first: Disagreement | None = None
    claim.expected = max(
        [int(entry.data["waiting"]) for entry in expectations(history, "waiting")] + [1]
    )
    overtaking = 0
    turns = [e for e in history.of(Kind.DECISION) if e.data["decider"] == "queue"]
    if len(turns) < len(urgent) + len(others):
        claim.unobserved(f"{len(turns)} turns of the queue were recorded")
    for question in urgent:
        urgent_place = _place(question)
        if urgent_place is None:
            claim.unobserved("nothing says when the urgent request was queued and started")
            continue
        entry, place = urgent_place
        for other in others:
            other_place = _place(other)
            if other_place is None:
                claim.unobserved(f"nothing says when {_about(other)} started")
                continue
            other_entry, theirs = other_place
            same_queue = theirs.get("instance") == place.get("instance")
            if not same_queue or theirs["started"] < place["queued"]:
                continue
            waits_its_turn = place["started"] < theirs["started"]
            claim.test(
                waits_its_turn,
                f"{_about(other)} starts as act {theirs['started']}, the urgent one, queued as "
                f"act {place['queued']}, as act {place['started']}",
                entry,
                other_entry,
            )
            if not waits_its_turn:
                overtaking += 1
                first = first or Disagreement(
                    entry.seq,
                    other_entry.seq,
                    f"the client says high, the queue starts {_about(other)} before it",
                )
    claim.measured["overtaken_by"] = overtaking
    return claim, first


def _in_time(history: History, urgent: list[Question]) -> Observed:
    limit = threshold(history, "urgent_seconds")
    claim = Observed(
        "urgent_in_time",
        "an urgent message is answered in time",
        TOO_SLOW,
        threshold="urgent_seconds",
    )
    released = [e for e in history.of(Kind.CONTROL) if e.data["what"] == RELEASED]
    for question in urgent:
        answers = [entry for entry in question.received if is_event(entry, "agent_completed")]
        if question.sent is None or not answers:
            claim.unobserved("the urgent request has no answer")
            continue
        since = max([question.sent, *released], key=lambda entry: entry.t)
        seconds = answers[0].t - since.t
        claim.measured["seconds"] = round(seconds, 4)
        claim.test(
            seconds <= limit,
            f"answered after {seconds:.2f} s, allowed {limit:g} s",
            since,
            answers[0],
        )
    return claim


def _unknown_is_refused(history: History) -> Observed:
    claim = Observed(
        "unknown_priority_refused",
        "a priority that is not on the scale is refused, not guessed",
        COERCED,
    )
    for question in questions(history, about=[UNKNOWN]):
        errors = [entry for entry in question.received if is_error(entry)]
        started = [entry for entry in question.received if is_event(entry, "agent_started")]
        if started:
            claim.violated("it is worked on as if it were on the scale", *started)
        elif errors:
            claim.holds(*errors)
        else:
            claim.unobserved("nothing came back")
    return claim
