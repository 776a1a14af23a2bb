"""journey.multi_user_isolation: many people make the same journey at once, with one question."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import ClassVar

from gp_helpers.cases.asking import ask, connect, settle
from gp_helpers.cases.journey.answers import question_about_costs, record_answer
from gp_helpers.cases.journey.judge import judge_answer
from gp_helpers.cases.steps import Case, Shown, step
from gp_helpers.probes import Person, Socket
from gp_helpers.probes.client import Question


class MultiUserIsolation(Case):
    """Each gets an answer of their own, in time."""

    id = "journey.multi_user_isolation"
    describes = ("websocket.answer|websocket.answer_chunk",)
    optional_without: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "websocket.event_owner": ("own_events",),
        "websocket.ready": ("connected",),
    }

    sockets: list[Socket]
    asked: list[tuple[Socket, Question]]

    @step(
        "Have all users register, log in, read their own figures and connect, all at once.",
        expects="a connection for each",
    )
    async def connect_everybody(self) -> Shown:
        async def begin(person: Person) -> Socket:
            await self.trial.client.open_conversation(person)
            if self.trial.target.description.billing is not None:
                await self.trial.client.read_billing(person)
            return await connect(self.trial, person, timeout_s=self._patience_s)

        people = await self.trial.people(self.trial.parameters.concurrent_users)
        self.trial.expect("journeys", journeys=[person.label for person in people])
        begun = await asyncio.gather(*(begin(person) for person in people), return_exceptions=True)
        self.sockets = [socket for socket in begun if isinstance(socket, Socket)]
        for failure in begun:
            if isinstance(failure, BaseException):
                raise failure
        return Shown(
            f"{len(self.sockets)} users are connected", [{"user": p.label} for p in people]
        )

    @step(
        "Let one user ask, and when the answer is there, everybody else the same, all at once.",
        expects="five events for each, and an answer from each user's own figures",
    )
    async def ask_the_same(self) -> Shown:
        text = question_about_costs(self.trial)
        self.asked = []
        for sockets in (self.sockets[:1], self.sockets[1:]):
            asked = await asyncio.gather(*(ask(self.trial, socket, text) for socket in sockets))
            pairs = list(zip(sockets, asked, strict=True))
            await settle(self.trial, pairs, within_s=2 * self._patience_s)
            self.asked += pairs
        rows = []
        for socket, question in self.asked:
            answer = record_answer(self.trial, [socket], question)
            await judge_answer(self.trial, question, answer)
            rows.append(
                {
                    "user": socket.person.label,
                    "own word in the answer": socket.person.canary in answer,
                    "answer": answer,
                }
            )
        own = sum(bool(row["own word in the answer"]) for row in rows)
        return Shown(f"{own} of {len(rows)} users got an answer of their own", rows)

    @property
    def _patience_s(self) -> float:
        """Longer than a user may wait, so that a slow one is measured and not lost."""
        return 2 * self.trial.threshold("user_seconds")
