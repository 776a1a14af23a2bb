"""journey.login_to_answer: one person's way from registering to a grounded answer, and out again.

The health endpoints are asked while the journey is under way, so that both can be seen together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import ClassVar

from gp_helpers.cases.asking import ask, connect, settle
from gp_helpers.cases.journey.answers import (
    largest_cost,
    question_about_costs,
    read_back,
    record_answer,
)
from gp_helpers.cases.journey.judge import judge_answer
from gp_helpers.cases.steps import Case, Shown, step
from gp_helpers.probes import Person, Socket
from gp_helpers.probes.client import Question
from gp_helpers.targets import Ability

SOMETHING_ELSE = "Which two of my services should I look at together, and why?"


class LoginToAnswer(Case):
    """Each stage of the journey does what the person came for."""

    id = "journey.login_to_answer"
    describes = ("websocket.answer|websocket.answer_chunk",)
    optional_without: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "auth.login": ("logged_in",),
        "auth.logout": ("token_is_dead",),
        "auth.validators": ("token_is_dead",),
        "persistence": ("stored_once",),
        "websocket.event_owner": ("own_events",),
        "websocket.ready": ("connected",),
    }
    users_at_once = 1

    user: Person
    socket: Socket
    question: Question
    answer: str = ""

    @step(
        "Register and log in, open a conversation, and read one's own figures.",
        expects="a token, and this month's costs",
    )
    async def log_in(self) -> Shown:
        self.user = await self.trial.person()
        self.trial.expect("the journey", journey=self.user.label)
        await self.trial.client.open_conversation(self.user)
        if self.trial.target.description.billing is None:
            return Shown("Logged in", [{"user": self.user.label}])
        billing = await self.trial.client.read_billing(self.user)
        return Shown(
            "Logged in",
            [{"user": self.user.label, "largest cost by REST": largest_cost(billing)}],
        )

    @step("Connect.", expects="the platform says that the connection is established")
    async def connect(self) -> Shown:
        self.socket = await connect(self.trial, self.user)
        return Shown("Connected", [{"connection": self.socket.label}])

    @step(
        "Ask about the largest cost, and ask every health endpoint while the agent works.",
        expects="five events in order, and green health endpoints beside a grounded answer",
    )
    async def ask(self) -> Shown:
        self.question = await ask(self.trial, self.socket, question_about_costs(self.trial))
        health, _ = await asyncio.gather(
            self.trial.client.check_health(self.user.label),
            settle(self.trial, [(self.socket, self.question)]),
        )
        self.answer = record_answer(self.trial, [self.socket], self.question)
        if self.trial.target.description.billing is None:
            await self._ask_something_else()
        events = [m.events[0] for m in self.socket.of(self.question.request_id) if m.events]
        rows: list[dict[str, object]] = [
            {"who": f"health of {name}", "says": f"status {exchange.status}"}
            for name, exchange in health.items()
        ]
        rows += [{"who": "journey", "says": name} for name in events]
        rows.append({"who": "the answer", "says": self.answer or "nothing"})
        green = sum(exchange.accepted is True for exchange in health.values())
        return Shown(f"{green} of {len(health)} health endpoints green; the answer beside", rows)

    async def _ask_something_else(self) -> None:
        """Where nobody knows the figures, a fixed text shows in the answer to another question."""
        other = await ask(self.trial, self.socket, SOMETHING_ELSE)
        await settle(self.trial, [(self.socket, other)])
        await judge_answer(self.trial, self.question, self.answer)
        await judge_answer(self.trial, other, record_answer(self.trial, [self.socket], other))

    @step(
        "Close, and restart the backend: whatever it kept only in memory is gone.",
        expects="it comes back at the same address",
        needs=(Ability.INSTANCES,),
    )
    async def restart_the_backend(self) -> Shown:
        await self.socket.close()
        names = list(await self.trial.controls.instances())
        for name in names:
            self.trial.control(f"restart {name}")
            await self.trial.controls.restart_instance(name)
        return Shown("Restarted", [{"instance": name} for name in names])

    @step("Read the conversation back.", expects="the question and its answer, each once")
    async def read_back(self) -> Shown:
        exchange = await read_back(self.trial, self.user, [self.question])
        return Shown("What is stored", [{"status": exchange.status, "stored": exchange.body}])

    @step(
        "Log out, and show the token to every validator once more.",
        expects="everybody refuses it",
    )
    async def log_out(self) -> Shown:
        client, token = self.trial.client, self.user.access_token or ""
        await self.socket.close()
        await client.log_out(self.user)
        self.trial.expect("after log-out", refused_by=client.validators())
        rows = []
        for validator in client.validators():
            said = await client.present(self.user, validator, token, about="after log-out")
            rows.append({"validator": validator, "accepts the token": said.accepted})
        return Shown("The token after logging out", rows)
