"""factory.error_propagation: one fault of the store, felt by every factory in turn."""

from __future__ import annotations

import asyncio
from typing import Any

from gp_helpers.cases.asking import ANSWER_WITHIN_S, ask, settle, until_answered
from gp_helpers.cases.factory.modes import (
    FactoryCase,
    connect,
    preferred_modes,
    socket_row,
    try_connect,
)
from gp_helpers.cases.steps import Shown, step
from gp_helpers.probes import Person, Socket
from gp_helpers.probes.client import Question
from gp_helpers.targets import Ability, Arrangement

BUSY_TIMEOUT_S = 0.1
BUDGET_S = 2.0
"""Within this time after a request its user has to know that it failed."""


class ErrorPropagation(FactoryCase):
    """A fault is told in one way, whichever factory it meets."""

    id = "factory.error_propagation"
    arrangement = Arrangement(busy_timeout_s=BUSY_TIMEOUT_S)
    requires = (Ability.STORE_LOCK,)

    modes: dict[str | None, Person]
    sockets: dict[str | None, Socket]
    greeted: dict[str | None, Socket]
    """Opened while the fault lasted."""

    @step(
        "For each mode that is put together by factories log in a user, connect, and ask.",
        expects="five events for each: without the fault everything works",
    )
    async def work_without_the_fault(self) -> Shown:
        modes = await preferred_modes(self.trial, "factory", "isolated")
        self.modes = dict(zip(modes, await self.trial.people(len(modes)), strict=True))
        self.sockets, self.greeted = {}, {}
        rows = []
        for mode, user in self.modes.items():
            self.trial.expect("error contract", mode=mode, user=user.label, budget_s=BUDGET_S)
            await self.trial.client.open_conversation(user)
            self.sockets[mode] = await connect(self.trial, user, mode)
            rows.append(await self._ask_in_turn(mode, self.sockets[mode], "control"))
        await self.trial.silence()
        return Shown("Without the fault", rows)

    @step(
        "Hold the store's write lock past its time-out. In each mode ask on the open connection, "
        "and open another one.",
        expects="each is told an error with code, message, retryable and correlation id",
        needs=(Ability.STORE_LOCK,),
    )
    async def work_while_the_store_is_locked(self) -> Shown:
        asked: list[tuple[Socket, Question]] = []
        self.trial.control("hold the store's write lock")
        async with self.trial.controls.hold_write_lock():
            for socket in self.sockets.values():
                asked.append((socket, await ask(self.trial, socket, about="during")))
            rows = list(await asyncio.gather(*map(self._connect_during, self.modes)))
            await settle(self.trial, asked, within_s=BUDGET_S)
        self.trial.control("release the store's write lock")
        rows += [
            {"mode": mode, "asks": "during", "gets": _told(socket, question)}
            for mode, (socket, question) in zip(self.modes, asked, strict=True)
        ]
        return Shown("While the store is locked", rows)

    @step(
        "Release the lock, and ask again: on the connections that are still open, on those that "
        "were greeted during the fault, and on new ones.",
        expects="five events each",
        needs=(Ability.STORE_LOCK,),
    )
    async def work_again(self) -> Shown:
        found = await asyncio.gather(*map(self._again, self.modes))
        await self.trial.silence()
        return Shown("When the fault is gone", [row for rows in found for row in rows])

    async def _connect_during(self, mode: str | None) -> dict[str, Any]:
        user = self.modes[mode]
        self.trial.expect("connects during the fault", connects=user.label)
        socket, refusal = await try_connect(self.trial, user, mode)
        if socket is not None:
            self.greeted[mode] = socket
        return {"mode": mode, **socket_row(socket, refusal)}

    async def _again(self, mode: str | None) -> list[dict[str, Any]]:
        rows = []
        if self.sockets[mode].closed is None:
            rows.append(await self._ask_in_turn(mode, self.sockets[mode], "same connection"))
        if mode in self.greeted and self.greeted[mode].closed is None:
            rows.append(await self._ask_in_turn(mode, self.greeted[mode], "greeted connection"))
        self.trial.expect("reconnects", reconnects=self.modes[mode].label)
        socket, refusal = await try_connect(self.trial, self.modes[mode], mode)
        if socket is None:
            return [*rows, {"mode": mode, **socket_row(socket, refusal)}]
        return [*rows, await self._ask_in_turn(mode, socket, "new connection")]

    async def _ask_in_turn(self, mode: str | None, socket: Socket, about: str) -> dict[str, Any]:
        question = await ask(self.trial, socket, about=about)
        await until_answered(self.trial, [(socket, question)], within_s=ANSWER_WITHIN_S)
        return {"mode": mode, "asks": about, "gets": _told(socket, question)}


def _told(socket: Socket, question: Question) -> str:
    """What came back for a question, in words."""
    messages = socket.of(question.request_id)
    if any(socket.is_error(message) for message in messages):
        return "an error"
    events = sum(len(message.events) for message in messages)
    if socket.closed is not None:
        return f"{events} events, then close {socket.closed.data['code']}"
    return f"{events} events"
