"""Claims that several cases make about questions and events: all five, in order, once, one's own.

A question counts as settled when silence was recorded after it; without that, what did not come may
still be on its way, and the claim is unobserved.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gp_helpers.checkers.claims import Observed
from gp_helpers.history import Entry, History, Kind
from gp_helpers.parameters.description import EVENTS

NEVER_EMPTY = 1
_as_json = json.JSONEncoder(ensure_ascii=False).encode


@dataclass(frozen=True, slots=True)
class Question:
    """A question that a case asked, and everything that came back for it."""

    asked: Entry
    """The entry in which the case said that it would ask."""
    sent: Entry | None
    received: tuple[Entry, ...]
    settled: Entry | None
    """The silence after it."""
    expected_events: tuple[str, ...] = EVENTS
    """The events that the platform has."""

    @property
    def request_id(self) -> str:
        """The id that correlates it."""
        return str(self.asked.data["question"])

    @property
    def person(self) -> str:
        """Whose question it is."""
        return self.asked.actor

    @property
    def events(self) -> list[str]:
        """The names of the events that came, in order."""
        return [name for entry in self.received for name in entry.data.get("events", ())]


def questions(history: History, *, about: Iterable[str] | None = None) -> list[Question]:
    """The questions of a history, those with a certain ``about`` if it is given."""
    wanted = None if about is None else set(about)
    sent = {str(e.data.get("request_id")): e for e in history.of(Kind.WS_SENT)}
    received: dict[str, list[Entry]] = {}
    for entry in history.of(Kind.WS_RECEIVED):
        received.setdefault(str(entry.data.get("request_id")), []).append(entry)
    silences = history.of(Kind.SILENCE)
    events = events_of(history)
    found = []
    for asked in history.of(Kind.EXPECTED):
        if "question" not in asked.data:
            continue
        if wanted is not None and asked.data.get("about") not in wanted:
            continue
        request_id = str(asked.data["question"])
        question = sent.get(request_id)
        after = [e for e in silences if question is not None and e.seq > question.seq]
        found.append(
            Question(
                asked,
                question,
                tuple(received.get(request_id, ())),
                after[-1] if after else None,
                events,
            )
        )
    return found


def events_of(history: History) -> tuple[str, ...]:
    """The events that the platform has, as the trial's header says; the plan's five by default."""
    return tuple(history.header.get("events") or EVENTS)


def five_events(
    asked: Iterable[Question], finding: str, *, name: str = "five_events", statement: str = ""
) -> Observed:
    """Every question gets the five events, in order, exactly once."""
    claim = Observed(
        name,
        statement or "every question gets its five events, in order, exactly once",
        finding,
        threshold="events",
    )
    claim.expected = 0
    for question in asked:
        claim.expected += 1
        claim.statement = _of_those_described(claim.statement, question.expected_events)
        who = f"{question.person}'s question"
        if question.sent is None:
            claim.unobserved(f"{who} was not sent")
            continue
        events = question.events
        basis = (question.sent, *question.received)
        if question.settled is None:
            claim.unobserved(f"{who}: {len(events)} events came, and it did not get silent")
        elif events == list(question.expected_events):
            claim.holds(*basis, question.settled)
        else:
            described = _described(events, question.expected_events)
            claim.violated(f"{who} got {described}", *basis, question.settled)
    claim.expected = max(claim.expected, NEVER_EMPTY)
    return claim


def _of_those_described(statement: str, expected: tuple[str, ...]) -> str:
    missing = [name for name in EVENTS if name not in expected]
    told = []
    if missing:
        told.append(f"the target does not describe {', '.join(missing)}")
    if list(expected) != [name for name in EVENTS if name in expected]:
        told.append(f"its order is {', '.join(expected)}")
    limited = f" ({'; '.join(told)})"
    return statement if not told or statement.endswith(limited) else statement + limited


def _described(events: list[str], expected: tuple[str, ...]) -> str:
    counts = Counter(events)
    missing = [name for name in expected if not counts[name]]
    doubled = [name for name in expected if counts[name] > 1]
    number = _NUMBERS[len(expected)]
    if not events:
        return f"none of the {number} event{'s' if len(expected) != 1 else ''}"
    if missing:
        got = len(expected) - len(missing)
        return f"{got} of {number} events (without {', '.join(missing)})"
    if doubled:
        return f"{', '.join(doubled)} more than once"
    return f"its events in another order: {', '.join(events)}"


_NUMBERS = ("no", "one", "two", "three", "four", "five")


def answered(asked: Iterable[Question], finding: str, *, name: str, statement: str) -> Observed:
    """Every question that was accepted ends with its answer, exactly once."""
    claim = Observed(name, statement, finding)
    claim.expected = 0
    for question in asked:
        claim.expected += 1
        who = f"{question.person}'s question"
        if question.sent is None:
            claim.unobserved(f"{who} was not sent")
            continue
        answers = [e for e in question.received if "agent_completed" in e.data.get("events", ())]
        if question.settled is None:
            claim.unobserved(f"{who}: it did not get silent")
        elif len(answers) == 1:
            claim.holds(question.sent, *answers, question.settled)
        else:
            times = "no answer" if not answers else f"{len(answers)} answers"
            claim.violated(f"{who} got {times}", question.sent, *answers, question.settled)
    claim.expected = max(claim.expected, NEVER_EMPTY)
    return claim


def people(history: History) -> Mapping[str, Mapping[str, str]]:
    """The people of a trial by label: ``user_id`` and ``canary``."""
    return {
        entry.actor: {
            "user_id": str(entry.data.get("user_id")),
            "canary": str(entry.data.get("canary")),
        }
        for entry in history.of(Kind.USER)
    }


def own_events(history: History, finding: str, *, name: str = "own_events") -> Observed:
    """Every event on a person's socket was made for that person."""
    claim = Observed(
        name,
        "every event on a socket is meant for the user whose socket it is",
        finding,
        threshold="contamination",
    )
    users = people(history)
    for entry in history.of(Kind.WS_RECEIVED):
        owner = entry.data.get("owner")
        if owner is None or entry.actor not in users:
            continue
        claim.test(
            str(owner) == users[entry.actor]["user_id"],
            f"{entry.actor}'s socket got an event of {_label(users, str(owner))}",
            entry,
        )
    return claim


def no_foreign_canary(history: History, finding: str, *, name: str = "no_foreign_data") -> Observed:
    """Nobody ever sees another user's canary word."""
    claim = Observed(
        name,
        "nobody sees a word that belongs to another user's data",
        finding,
        threshold="contamination",
    )
    users = people(history)
    for entry in history.of(Kind.WS_RECEIVED, Kind.RESPONSE):
        if entry.actor not in users:
            continue
        text = _text_of(entry)
        foreign = [
            label
            for label, user in users.items()
            if label != entry.actor and user["canary"] in text
        ]
        claim.test(not foreign, f"{entry.actor} sees data of {', '.join(foreign)}", entry)
    askers: dict[str, list[Entry]] = {}
    for question in questions(history):
        askers.setdefault(question.person, []).extend(_answers_to(question))
    for label, answers in askers.items():
        if label not in users:
            claim.unobserved(f"the word of {label} is not on record")
        elif not any(users[label]["canary"] in _text_of(entry) for entry in answers):
            claim.unobserved(
                f"{label}'s own word is in no answer of theirs, so nobody else's could show there"
            )
    if not askers:
        claim.unobserved("nobody asked, so no answer could show anybody's word")
    return claim


def _answers_to(question: Question) -> list[Entry]:
    """The asker's messages that may be the answer: an early event or an error is none."""
    return [
        entry
        for entry in question.received
        if entry.actor == question.person
        and not entry.data.get("is_error")
        and ("agent_completed" in (events := entry.data.get("events", ())) or not events)
    ]


def _text_of(entry: Entry) -> str:
    return _as_json(entry.data.get("message", entry.data.get("body")))


def _label(users: Mapping[str, Mapping[str, str]], user_id: str) -> str:
    return next(
        (label for label, user in users.items() if user["user_id"] == user_id), "somebody else"
    )
