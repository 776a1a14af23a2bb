"""routing.selection_conflict: every decision is the right one, and is what happens, once."""

from __future__ import annotations

import re

from gp_helpers.checkers.claims import Disagreement, Judgement, Observed
from gp_helpers.checkers.delivery import Question, five_events, questions
from gp_helpers.checkers.routing.reading import body_of, data_of, expectations, is_error, is_event
from gp_helpers.history import Entry, History, Kind

WRONG_AGENT = "ROUTING_WRONG_AGENT"
HANDLED_TWICE = "ROUTING_HANDLED_TWICE"
OFF_TOPIC = "ROUTING_ANSWER_OFF_TOPIC"
REFUSED = "refused:"


def check(history: History) -> Judgement:
    """Decisions of all routers against the corpus; the sample against what really happened."""
    right = {str(entry.data["right_for"]): entry for entry in expectations(history, "right_for")}
    sample = [question for question in questions(history) if question.request_id in right]
    served = [q for q in sample if not _right(right, q).startswith(REFUSED)]
    decisions = _router_decisions(history)
    ran = _agent_that_ran(sample, right)
    once = five_events(
        served,
        HANDLED_TWICE,
        name="handled_once",
        statement="each message is handled exactly once",
    )
    return Judgement(
        (
            decisions.claim(),
            ran.claim(),
            once.claim(),
            _answers_address_the_message(history, served).claim(),
        ),
        _first_disagreement(history),
    )


def _right(right: dict[str, Entry], question: Question) -> str:
    return str(right[question.request_id].data["right"])


def _router_decisions(history: History) -> Observed:
    claim = Observed(
        "router_decisions",
        "every router decides as a person did who wrote the right agent beside the message",
        WRONG_AGENT,
    )
    # Why a message is refused, somebody else's router says in words of its own.
    is_foreign = history.header.get("kind") != "embedded"
    corpora = expectations(history, "right_agents")
    decisions = history.of(Kind.DECISION, step="ask_every_router")
    routers = {str(entry.data["decider"]) for entry in decisions}
    for corpus in corpora:
        right = corpus.data["right_agents"]
        claim.expected = len(right) * max(len(routers), 1)
        wrong = set()
        for entry in decisions:
            message = str(entry.data["about"])
            said = str(entry.data["agent"])
            if message not in right:
                continue
            is_right = said == right[message] or (
                is_foreign and said.startswith(REFUSED) and right[message].startswith(REFUSED)
            )
            if not is_right:
                wrong.add(message)
            claim.test(
                is_right,
                f"{entry.data['decider']} decides {said} for {entry.data.get('message')!r}, "
                f"right is {right[message]}",
                entry,
                corpus,
            )
        claim.measured |= {"messages": len(right), "wrong": len(wrong), "routers": len(routers)}
    return claim


def _agent_that_ran(sample: list[Question], right: dict[str, Entry]) -> Observed:
    claim = Observed(
        "agent_that_ran", "the agent that works on a message is the right one", WRONG_AGENT
    )
    claim.expected = max(len(sample), 1)
    for question in sample:
        expected = right[question.request_id]
        wanted = str(expected.data["right"])
        started = [entry for entry in question.received if is_event(entry, "agent_started")]
        errors = [entry for entry in question.received if is_error(entry)]
        if started and "agent" not in body_of(started[0]):
            claim.unobserved(f"message {expected.data['message']}: its events name no agent")
            continue
        if started:
            ran = str(body_of(started[0]).get("agent"))
        elif errors:
            ran = f"{REFUSED}{data_of(errors[0]).get('code')}"
        else:
            claim.unobserved(f"nothing said who works on message {expected.data['message']}")
            continue
        claim.test(
            ran == wanted,
            f"message {expected.data['message']}: {ran}, right is {wanted}",
            *(started or errors),
            expected,
        )
    return claim


def _answers_address_the_message(history: History, served: list[Question]) -> Observed:
    claim = Observed("answer_addresses_message", "the answer is about what was asked", OFF_TOPIC)
    claim.expected = max(len(served), 1)
    for question in served:
        answers = [entry for entry in question.received if is_event(entry, "agent_completed")]
        if not answers:
            claim.unobserved(f"no answer to {question.person}'s message")
            continue
        asked = str(question.asked.data.get("text", ""))
        noted = [
            entry
            for entry in history.of(Kind.MEASURED)
            if entry.data.get("quantity") == "answer"
            and entry.data["question"] == question.request_id
        ]
        result = str(noted[-1].data["text"] if noted else data_of(answers[0]).get("result", ""))
        claim.test(
            _shares_words(asked, result),
            f"the answer has no word of {asked[-60:]!r}",
            answers[0],
            question.asked,
        )
    return claim


def _shares_words(asked: str, result: str) -> bool:
    """Whether the answer takes up a word of the question, or the question as it is."""
    words = {word for word in re.findall(r"\w+", asked.casefold()) if len(word) > 3}
    taken_up = set(re.findall(r"\w+", result.casefold()))
    return bool(words & taken_up) or asked.strip() in result


def _first_disagreement(history: History) -> Disagreement | None:
    """The first message about which two routers decide differently."""
    first: dict[str, Entry] = {}
    for entry in history.of(Kind.DECISION, step="ask_every_router"):
        message = str(entry.data["about"])
        other = first.setdefault(message, entry)
        if other.data["agent"] != entry.data["agent"]:
            return Disagreement(
                other.seq,
                entry.seq,
                f"{entry.data.get('message')!r}: {other.data['decider']} says "
                f"{other.data['agent']}, {entry.data['decider']} says {entry.data['agent']}",
            )
    return None
