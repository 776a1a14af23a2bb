"""Claims about answers and what is stored of them, as the journey's checks share them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from gp_helpers.checkers import grounding, plausibility
from gp_helpers.checkers.claims import Observed
from gp_helpers.checkers.delivery import Question
from gp_helpers.history import Entry, History, Kind

NOT_GROUNDED = "JOURNEY_ANSWER_NOT_GROUNDED"
_LEAST_TO_COMPARE = 2


def replies(history: History, purpose: str, *, actor: str | None = None) -> list[Entry]:
    """The responses to requests that were made for a purpose."""
    asked = {e.seq for e in history.of(Kind.REQUEST, actor=actor) if e.data["purpose"] == purpose}
    return [e for e in history.of(Kind.RESPONSE, actor=actor) if e.data["request"] in asked]


def answer_of(history: History, question: Question) -> tuple[Entry, list[Entry]] | None:
    """The text that a user has as the answer, and the messages in which it came.

    None where what the probe noted does not rest on what is on record.
    """
    noted = [
        entry
        for entry in history.of(Kind.MEASURED, actor=question.person)
        if entry.data.get("quantity") == "answer" and entry.data["question"] == question.request_id
    ]
    if not noted:
        return None
    on_record = {entry.seq: entry for entry in question.received}
    basis = [on_record.get(seq) for seq in noted[-1].data["rests_on"]]
    found = [entry for entry in basis if entry is not None]
    return (noted[-1], found) if len(found) == len(basis) else None


def grounded(history: History, asked: Iterable[Question]) -> Observed:
    """Every answer is computed from the asking user's own figures, and to the point.

    On a platform whose data nobody else knows it is plausible, by the rules that the header states.
    """
    rules = plausibility.rules_of(history.header)
    if rules is not None:
        return _plausible(history, list(asked), rules)
    claim = Observed(
        "answers_are_grounded",
        "the answer names the user's own largest cost and its amount, offers at least two actions, "
        "and addresses the question",
        NOT_GROUNDED,
        expected=0,
    )
    for question in asked:
        claim.expected += 1
        noted = answer_of(history, question)
        billing = replies(history, "read billing", actor=question.person)
        if noted is None or question.settled is None:
            claim.unobserved(f"what {question.person} has as an answer is not on record")
            continue
        if not billing or billing[-1].data["status"] != 200:
            claim.unobserved(f"{question.person}'s own figures are not known")
            continue
        compared = [
            entry
            for entry in history.of(Kind.DECISION, actor=question.person)
            if entry.data.get("question") == question.request_id
        ]
        if not compared:
            claim.unobserved(f"{question.person}'s answer was not held against their figures")
            continue
        entry, messages = noted
        text = str(entry.data["text"])
        actions = [
            action
            for message in messages[-1:]
            for action in grounding.actions_in(text, message.data.get("message"))
        ]
        costs = grounding.costs_in(billing[-1].data["body"])
        wrong = grounding.flaws(str(question.asked.data["text"]), text, actions, costs)
        claim.test(
            not wrong,
            f"{question.person}: {'; '.join(wrong)}",
            question.asked,
            billing[-1],
            *messages,
            entry,
            compared[-1],
        )
    claim.expected = max(claim.expected, 1)
    return claim


def _plausible(history: History, asked: list[Question], rules: plausibility.Rules) -> Observed:
    claim = Observed("answers_are_grounded", rules.quoted(), NOT_GROUNDED, expected=len(asked))
    found: list[tuple[Question, Entry, list[Entry], plausibility.Answered]] = []
    for question in asked:
        noted = answer_of(history, question)
        if noted is None or question.settled is None:
            claim.unobserved(f"what {question.person} has as an answer is not on record")
            continue
        entry, messages = noted
        judged = [
            e.data["accepted"]
            for e in history.of(Kind.DECISION)
            if e.data["about"] == question.request_id and e.data["decider"] == "judge"
        ]
        verdict = judged[-1] if judged else None
        if rules.judge is not None and verdict is None:
            claim.unobserved(f"the judge {rules.judge} gave no answer")
        answer = plausibility.Answered(
            str(question.asked.data["text"]),
            str(entry.data["text"]),
            tuple(entry.data.get("facts", ())),
            verdict,
        )
        found.append((question, entry, messages, answer))
    others = [answer for _, _, _, answer in found]
    if len(others) < _LEAST_TO_COMPARE:
        claim.unobserved("there is no second answer to compare with")
    for question, entry, messages, answer in found:
        wrong = plausibility.flaws(answer, others, rules)
        claim.test(
            not wrong, f"{question.person}: {'; '.join(wrong)}", question.asked, *messages, entry
        )
    claim.expected = max(claim.expected, 1)
    return claim


def stored_once(
    history: History, asked: Iterable[Question], finding: str, *, person: str
) -> Observed:
    """Every question and every answer that came is stored, once."""
    claim = Observed(
        "stored_once",
        "what was asked and answered is stored, nothing lost and nothing doubled",
        finding,
        expected=0,
    )
    read = replies(history, "read the conversation", actor=person)
    if not read:
        claim.expected = 1
        claim.unobserved("the conversation was not read back")
        return claim
    last = read[-1]
    body = last.data["body"]
    contents = [str(m["content"]) for m in stored_messages(body)] or list(texts_in(body))
    for question in asked:
        text = str(question.asked.data["text"])
        claim.expected += 1
        rule = _by_the_targets_rule(history, question, last)
        times = rule.data["value"] if rule else sum(content == text for content in contents)
        basis = (question.asked, last, *([rule] if rule else ()))
        if rule and rule.data.get("at_least"):
            claim.unobserved("persistence.found says that a question is stored, not how often")
        else:
            claim.test(times == 1, f"a question is stored {times} times", *basis)
        noted = answer_of(history, question)
        if noted is None:
            claim.unobserved(f"what {question.person} has as an answer is not on record")
        elif noted[0].data["text"]:
            claim.expected += 1
            answer = str(noted[0].data["text"])
            times = sum(answer in content for content in contents)
            claim.test(times == 1, f"an answer is stored {times} times", noted[0], last)
    claim.expected = max(claim.expected, 1)
    return claim


def _by_the_targets_rule(history: History, question: Question, read: Entry) -> Entry | None:
    """What the target's own rule found of a question in what was read."""
    found = [
        entry
        for entry in history.of(Kind.MEASURED, actor=question.person)
        if entry.data.get("quantity") == "stored"
        and entry.data["question"] == question.request_id
        and entry.data["exchange"] == read.seq
    ]
    return found[-1] if found else None


def texts_in(body: Any) -> Iterator[str]:
    """Every text in a reply, for platforms that do not call it ``content``."""
    if isinstance(body, str):
        yield body
    elif isinstance(body, Mapping | list):
        for value in body.values() if isinstance(body, Mapping) else body:
            yield from texts_in(value)


def stored_messages(body: Any) -> Iterator[Mapping[str, Any]]:
    """The messages in a reply about a conversation, wherever they stand: they have ``content``."""
    if isinstance(body, Mapping):
        if "content" in body:
            yield body
        else:
            for value in body.values():
                yield from stored_messages(value)
    elif isinstance(body, list):
        for value in body:
            yield from stored_messages(value)
