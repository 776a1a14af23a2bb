"""Connecting and asking, as most cases do it: what will be asked is on record before it is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from gp_helpers.cases.steps import CannotGoOn
from gp_helpers.cases.trial import Trial
from gp_helpers.history import Kind
from gp_helpers.probes import Person, Socket
from gp_helpers.probes.client import Question
from gp_helpers.targets import Ability

COSTS = "What is my largest cost this month, and what can I do about it?"
ANSWER_WITHIN_S = 10.0
_PATIENCE_S = 5.0


class NotConnectedError(CannotGoOn):
    """A case needs a connection to go on, and did not get one."""

    def __init__(self, person: Person, why: str) -> None:
        super().__init__(f"{person.label} is not connected: {why}")


async def connect(trial: Trial, person: Person, *, timeout_s: float = 5.0) -> Socket:
    """A socket that the platform says is ready; raises `NotConnectedError`."""
    socket, refusal = await trial.client.connect(person)
    if socket is None:
        raise NotConnectedError(person, f"refused with {refusal and refusal.data['status']}")
    if not await socket.wait_ready(timeout_s):
        raise NotConnectedError(person, "the socket is open and the platform says nothing")
    return socket


async def ask(
    trial: Trial,
    socket: Socket,
    text: str = COSTS,
    *,
    about: str = "question",
    more: Mapping[str, Any] | None = None,
    also_on: Iterable[Socket] = (),
) -> Question:
    """Ask on a socket; what is asked is on record before it is sent.

    ``also_on`` are others of the person's sockets on which the answer is to come as well.
    """
    request_id = trial.client.new_request_id()
    for other in also_on:
        other.requests.append(request_id)
    text = trial.worded(socket.person, text)
    trial.recorder.add(
        Kind.EXPECTED, socket.person.label, request_id, about=about, question=request_id, text=text
    )
    return await trial.client.ask(socket, text, request_id=request_id, more=more)


async def until_taken_on(
    trial: Trial, socket: Socket, question: Question, *, within_s: float
) -> None:
    """Wait until the platform has read a question: its pong comes after it, or its answer does."""
    if socket.description.ping is not None:
        await trial.client.ping(socket, within_s)
    else:
        await socket.wait_for_answer(question.request_id, within_s)


async def until_seen(
    trial: Trial,
    socket: Socket,
    condition: Callable[[], bool],
    *,
    awaited: str,
    within_s: float = _PATIENCE_S,
) -> None:
    """Wait until a condition over what arrived holds, or the socket is closed.

    Where silence can be proven it will be, and a wait that ran out before says only how fast the
    machine is; elsewhere it is on record.
    """
    if trial.target.can(Ability.DIAGNOSTICS):
        await socket.watch(within_s, until=condition)
    else:
        await socket.wait_until(condition, timeout_s=within_s, awaited=awaited)


async def until_answered(
    trial: Trial, asked: Iterable[tuple[Socket, Question]], *, within_s: float = _PATIENCE_S
) -> None:
    """Wait until each question has ended where it was asked, before `settle` or `silence`."""
    await asyncio.gather(
        *(
            until_seen(
                trial,
                socket,
                partial(socket.is_finished, question.request_id),
                awaited="answer",
                within_s=within_s,
            )
            for socket, question in asked
        )
    )


async def settle(
    trial: Trial, asked: Iterable[tuple[Socket, Question]], *, within_s: float = ANSWER_WITHIN_S
) -> None:
    """Wait until nothing more comes for these questions, and record the silence.

    Where silence can be proven it is not waited for; elsewhere each answer gets its time first.
    """
    if not trial.target.can(Ability.DIAGNOSTICS):
        await until_answered(trial, asked, within_s=within_s)
    await trial.silence(timeout_s=within_s)
