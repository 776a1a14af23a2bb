"""factory.error_propagation: one error contract, whichever factory meets the fault."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gp_helpers.checkers.claims import Disagreement, Judgement, Observed
from gp_helpers.checkers.delivery import five_events, questions
from gp_helpers.checkers.factory.openings import Opening, opening_after
from gp_helpers.history import Entry, History, Kind
from gp_helpers.parameters.description import EVENTS

BROKEN = "FACTORY_ERROR_CONTRACT_BROKEN"
NOT_RESUMED = "FACTORY_WORK_NOT_RESUMED"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one attempt during the fault."""

    what: str
    problem: str | None
    """Empty: it kept the contract. None: it is not known."""
    entries: tuple[Entry, ...]
    told_after_s: float | None = None


def check(history: History) -> Judgement:
    """Every attempt during the fault is told by contract and in time; then work goes on."""
    contract = Observed(
        "one_error_contract",
        "whoever meets the fault is told code, message, retryable and correlation id",
        BROKEN,
    )
    in_time = Observed("told_in_time", "they are told within the budget", BROKEN)
    expected = [entry for entry in history.of(Kind.EXPECTED) if "budget_s" in entry.data]
    contract.expected = max(2 * len(expected), 1)
    outcomes: list[Outcome] = []
    for entry in expected:
        if not _works_without_the_fault(history, entry.data["user"]):
            contract.unobserved(f"mode {entry.data['mode']} did not work without the fault")
            continue
        outcomes += [_connecting(history, entry), _asking(history, entry)]
    for outcome in outcomes:
        if outcome.problem is None:
            contract.unobserved(f"{outcome.what}: nothing is known")
            continue
        contract.test(not outcome.problem, f"{outcome.what} {outcome.problem}", *outcome.entries)
        if outcome.told_after_s is not None:
            budget = float(expected[0].data["budget_s"])
            in_time.measured["slowest_s"] = max(
                in_time.measured.get("slowest_s", 0.0), round(outcome.told_after_s, 3)
            )
            in_time.test(
                outcome.told_after_s <= budget,
                f"{outcome.what} is told after {outcome.told_after_s:.1f} s",
                *outcome.entries,
            )
    contract.measured["different_outcomes"] = len(
        {outcome.problem for outcome in outcomes if outcome.problem is not None}
    )
    return Judgement(
        (contract.claim(), in_time.claim(), _resumed(history, expected).claim()),
        _disagreement(outcomes),
    )


def _works_without_the_fault(history: History, person: str) -> bool:
    control = [one for one in questions(history, about=["control"]) if one.person == person]
    return bool(control) and control[0].events == list(EVENTS)


def _connecting(history: History, expected: Entry) -> Outcome:
    """Opening another connection while the store is locked."""
    what = f"connecting in mode {expected.data['mode']}"
    person = expected.data["user"]
    began = [e for e in history.of(Kind.EXPECTED) if e.data.get("connects") == person]
    opening = opening_after(history, began[0], actor=person) if began else None
    if opening is None:
        return Outcome(what, None, ())
    if opening.refused is not None:
        return _refused(what, opening)
    if opening.opened is None:
        return Outcome(what, None, opening.entries)
    later = [
        question
        for question in questions(history, about=["greeted connection"])
        if question.person == person and question.sent is not None
        if question.sent.subject == opening.opening.subject
    ]
    if not later:
        if opening.closed is not None and opening.closed.data["by"] != "us":
            code = opening.closed.data["code"]
            return Outcome(what, f"is closed with {code}, without an error", opening.entries)
        return Outcome(what, None, opening.entries)
    entries = (*opening.entries, *later[0].received)
    if later[0].events == list(EVENTS):
        return Outcome(what, "", entries)
    return Outcome(what, "is greeted as if all were well, and the connection never serves", entries)


def _refused(what: str, opening: Opening) -> Outcome:
    refused = opening.refused
    assert refused is not None
    status = refused.data["status"]
    if status is None:
        return Outcome(what, None, opening.entries)
    body = refused.data.get("body")
    if isinstance(body, str):
        try:
            body = json.loads(body)
        except ValueError:
            body = None
    error = body.get("error") if isinstance(body, Mapping) else None
    gap = _gap(error)
    problem = f"is answered with HTTP {status}, {gap}" if gap else ""
    return Outcome(what, problem, opening.entries, refused.t - opening.opening.t)


def _asking(history: History, expected: Entry) -> Outcome:
    """Asking on the connection that was open before the store was locked."""
    what = f"asking in mode {expected.data['mode']}"
    person = expected.data["user"]
    asked = [one for one in questions(history, about=["during"]) if one.person == person]
    if not asked or asked[0].sent is None:
        return Outcome(what, None, ())
    question, sent = asked[0], asked[0].sent
    entries = (sent, *question.received)
    errors = [entry for entry in question.received if _type(entry) == "error"]
    if errors:
        gap = _gap(errors[0].data["message"].get("data"))
        problem = f"is answered with an error, {gap}" if gap else ""
        return Outcome(what, problem, entries, errors[0].t - sent.t)
    if question.events == list(EVENTS):
        return Outcome(what, "", entries)
    closed = next((e for e in history.of(Kind.WS_CLOSED) if e.subject == sent.subject), None)
    if closed is not None and closed.data["by"] != "us" and _is_before_the_end(history, closed):
        code = closed.data["code"]
        return Outcome(what, f"ends in close {code}, without an error", (*entries, closed))
    if question.settled is None:
        return Outcome(what, None, entries)
    return Outcome(
        what,
        f"gets {len(question.events)} of five events and no error, ever",
        (*entries, question.settled),
    )


def _is_before_the_end(history: History, entry: Entry) -> bool:
    released = [e for e in history.of(Kind.CONTROL) if "release" in str(e.data.get("what"))]
    return not released or entry.seq < released[-1].seq


def _gap(error: Any) -> str:
    """What an error object lacks of the contract; empty if nothing."""
    if not isinstance(error, Mapping):
        return "without an error object"
    missing = [name for name in ("code", "message", "correlation_id") if not error.get(name)]
    if missing:
        return f"without {', '.join(missing)}"
    if error.get("retryable") is not True:
        return f"as {error['code']}, not retryable"
    return ""


def _type(entry: Entry) -> Any:
    message = entry.data.get("message")
    return message.get("type") if isinstance(message, Mapping) else None


def _resumed(history: History, expected: list[Entry]) -> Observed:
    """When the fault is gone, whoever connects, and whoever is still connected, is served."""
    worked = [
        entry.data["user"]
        for entry in expected
        if _works_without_the_fault(history, entry.data["user"])
    ]
    again = questions(history, about=["same connection", "new connection"])
    claim = five_events(
        [question for question in again if question.person in worked],
        NOT_RESUMED,
        name="work_resumes",
        statement="when the fault is gone, connections that are open and new ones are served",
    )
    claim.expected = max(claim.expected, len(expected))
    for entry in history.of(Kind.EXPECTED):
        if entry.data.get("reconnects") not in worked:
            continue
        opening = opening_after(history, entry, actor=entry.data["reconnects"])
        if opening is not None and opening.refused is not None:
            claim.violated(
                f"{entry.data['reconnects']} is refused with {opening.refused.data['status']}",
                *opening.entries,
            )
    return claim


def _disagreement(outcomes: list[Outcome]) -> Disagreement | None:
    """The first two attempts that met the same fault and were told different things."""
    known = [outcome for outcome in outcomes if outcome.problem is not None and outcome.entries]
    for index, left in enumerate(known):
        for right in known[index + 1 :]:
            if left.problem != right.problem:
                words = [outcome.problem or "is told by contract" for outcome in (left, right)]
                return Disagreement(
                    left.entries[-1].seq,
                    right.entries[-1].seq,
                    f"one fault: {left.what} {words[0]}; {right.what} {words[1]}",
                )
    return None
