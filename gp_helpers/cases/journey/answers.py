"""Questions that a fixed text cannot answer, and what came back as their answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gp_helpers.cases.trial import Trial
from gp_helpers.checkers import grounding
from gp_helpers.checkers.journey.answers import replies
from gp_helpers.history import Kind
from gp_helpers.probes import Exchange, Person, Socket
from gp_helpers.probes.client import Question

OCCASIONS = (
    "the board meeting on Thursday",
    "our yearly audit",
    "the migration of the warehouse",
    "the holiday season",
    "the review with our investors",
    "the launch of the new shop",
    "the next funding round",
    "the visit of the auditors",
)


def question_about_costs(trial: Trial) -> str:
    """A question about the user's largest cost, with an occasion that its answer has to take up."""
    occasion = trial.random.choice(OCCASIONS)
    return f"What is my largest cost this month, and what matters about it before {occasion}?"


def record_answer(trial: Trial, sockets: Sequence[Socket], question: Question) -> str:
    """Put on record what a user has as the answer to a question; empty if nothing came."""
    text, basis, person = "", [], sockets[-1].person.label
    for socket in sockets:
        text = socket.answer_to(question.request_id) or text
        basis += [
            message.entry.seq
            for message in socket.of(question.request_id)
            if "agent_completed" in message.events
        ]
    trial.recorder.add(
        Kind.MEASURED,
        person,
        question.request_id,
        quantity="answer",
        value=len(text),
        unit="characters",
        question=question.request_id,
        text=text,
        facts=_facts(trial, person),
        rests_on=basis,
    )
    _compare(trial, sockets, question, text)
    return text


def _compare(trial: Trial, sockets: Sequence[Socket], question: Question, text: str) -> None:
    """Put on record whether an answer fits its user's own figures, where those were read."""
    person = sockets[-1].person.label
    billing = replies(trial.recorder.history, "read billing", actor=person)
    if not billing:
        return
    messages = [m.body for socket in sockets for m in socket.of(question.request_id) if m.events]
    actions = grounding.actions_in(text, messages[-1] if messages else None)
    costs = grounding.costs_in(billing[-1].data["body"])
    trial.recorder.add(
        Kind.DECISION,
        person,
        question.request_id,
        decider="figures",
        about="the answer",
        question=question.request_id,
        accepted=not grounding.flaws(question.text, text, actions, costs),
    )


async def read_back(trial: Trial, person: Person, asked: Iterable[Question]) -> Exchange:
    """Read a conversation back; what the target's own rule finds of the questions is on record."""
    exchange = await trial.client.read_conversation(person, person.thread_id or "")
    for question in asked:
        stored = trial.client.times_stored(person, question, exchange)
        if stored is not None:
            trial.recorder.add(
                Kind.MEASURED,
                person.label,
                question.request_id,
                quantity="stored",
                value=stored.times,
                unit="times",
                at_least=stored.at_least,
                question=question.request_id,
                exchange=exchange.answer.seq,
            )
    return exchange


def _facts(trial: Trial, label: str) -> list[str]:
    """The patterns that the target states, filled in for a person."""
    person = trial.client.people.get(label)
    if person is None:
        return []
    return [str(trial.client.filled(person, fact)) for fact in trial.target.description.facts]


def largest_cost(billing: Exchange) -> str:
    """What a user's own figures say, in words."""
    costs = grounding.costs_in(billing.body)
    if not costs:
        return "no costs"
    largest = max(costs, key=lambda cost: cost.amount)
    return f"{largest.service} {largest.amount:.2f}"
