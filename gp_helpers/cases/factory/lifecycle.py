"""factory.lifecycle: many sessions come and go in different ways; what is left is counted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from gp_helpers.cases.asking import NotConnectedError, ask
from gp_helpers.cases.factory.modes import FactoryCase, connect, preferred_modes
from gp_helpers.cases.steps import CannotGoOn, Shown, step
from gp_helpers.faults import Delay, TcpFault
from gp_helpers.history import Kind
from gp_helpers.probes import Person, Socket
from gp_helpers.targets import Ability, Arrangement, Hop

FEWEST_USERS, MOST_USERS = 5, 25
SESSIONS_PER_USER = 10
NOTICED_WITHIN_S = 5.0
ANSWER_WITHIN_S = 10.0
MODEL_HOP_S = 0.015
RESOURCES = ("handlers", "tasks", "sessions", "channels", "engines", "agents")

End = Callable[[Socket], Awaitable[None]]


class Lifecycle(FactoryCase):
    """A session takes away with it what was made for it, however it ends."""

    id = "factory.lifecycle"
    arrangement = Arrangement(proxied=frozenset({Hop.BACKEND_MODEL}))
    requires = (Ability.DIAGNOSTICS,)

    users: list[Person]
    mode: str | None
    baseline: dict[str, dict[str, int]]
    """What each instance held before the first session."""
    taken = 0
    in_the_way: str | None = None
    """Why sessions of this kind cannot go on."""

    @step(
        "Log in a few users, and read what the platform holds before anybody is connected.",
        expects="the baseline",
    )
    async def log_in(self) -> Shown:
        sessions = self.trial.parameters.sessions
        count = min(max(FEWEST_USERS, sessions // SESSIONS_PER_USER), MOST_USERS)
        self.users = await self.trial.people(count)
        await asyncio.gather(*(self.trial.client.open_conversation(user) for user in self.users))
        (self.mode,) = await preferred_modes(self.trial, "factory")
        self.baseline = {}
        self.trial.expect("sessions", sessions=sessions)
        if self.trial.target.can(Ability.MODEL_HOP):
            # Agents are to be at work when their users go.
            self.trial.control("slow hop to the model", latency_s=MODEL_HOP_S)
            fault = TcpFault(delay=Delay(latency_s=MODEL_HOP_S))
            self.trial.controls.tcp_proxy(Hop.BACKEND_MODEL).set(to_server=fault)
        return Shown("Before the first session", [await self._read()])

    @step(
        "Open many sessions. Some get their answer and close; some close or drop while their "
        "answer is being made; some only come and go, or are gone while it is cleared away.",
        expects="after each round of sessions the platform holds what it held before",
        needs=(Ability.DIAGNOSTICS,),
    )
    async def come_and_go(self) -> Shown:
        # Some in ten ask; the others cost the platform as much to set up and to clear away.
        ends: tuple[End, ...] = (
            self._answered_then_close,
            self._drop_during_the_answer,
            self._close_unused,
            self._close_during_the_answer,
            self._drop_unused,
            self._close_unused,
            self._drop_during_the_answer,
            self._drop_unused,
            self._leave_during_the_clean_up,
            self._drop_unused,
        )
        rows = []
        while self.taken < self.trial.parameters.sessions:
            users = self.users[: self.trial.parameters.sessions - self.taken]
            await asyncio.gather(
                *(
                    self._session(user, ends[(self.taken + place) % len(ends)])
                    for place, user in enumerate(users)
                )
            )
            self.taken += len(users)
            rows.append(await self._read())
            if self.in_the_way is not None:
                raise CannotGoOn(self.in_the_way)
        left = {name: rows[-1][name] for name in RESOURCES}
        return Shown(f"After {self.taken} sessions there are {left}", rows)

    async def _session(self, user: Person, end: End) -> None:
        # Nothing is raised here: the round's other sessions are to come to their end.
        try:
            socket = await connect(self.trial, user, self.mode)
        except NotConnectedError as why:
            self.in_the_way = str(why)
        else:
            await end(socket)

    async def _answered_then_close(self, socket: Socket) -> None:
        question = await ask(self.trial, socket, about="answered")
        if not await socket.wait_for_answer(question.request_id, ANSWER_WITHIN_S):
            self.in_the_way = f"{socket.person.label}'s question is not answered"
        await socket.close()

    async def _drop_during_the_answer(self, socket: Socket) -> None:
        await self._ask_and_see_it_thinking(socket)
        await socket.drop()

    async def _close_during_the_answer(self, socket: Socket) -> None:
        await self._ask_and_see_it_thinking(socket)
        await socket.close()

    async def _close_unused(self, socket: Socket) -> None:
        await socket.close()

    async def _leave_during_the_clean_up(self, socket: Socket) -> None:
        # The close frame is out, the platform clears away, and nobody waits for its answer.
        async with asyncio.TaskGroup() as group:
            group.create_task(socket.close())
            group.create_task(socket.drop())

    async def _drop_unused(self, socket: Socket) -> None:
        await socket.drop()

    async def _ask_and_see_it_thinking(self, socket: Socket) -> None:
        question = await ask(self.trial, socket, about="left before the answer")
        is_at_work = await socket.wait_until(
            lambda: any("agent_thinking" in m.events for m in socket.of(question.request_id)),
            timeout_s=ANSWER_WITHIN_S,
            awaited="thinking",
        )
        if not is_at_work:
            self.in_the_way = f"nobody works on {socket.person.label}'s question"

    async def _read(self) -> dict[str, int]:
        """What all instances hold together once everybody's end was noticed."""
        controls = self.trial.controls
        instances = list(await controls.instances())

        async def is_noticed() -> bool:
            return not any([(await controls.state(name))["connections"] for name in instances])

        await self.trial.until(is_noticed, timeout_s=NOTICED_WITHIN_S, awaited="end noticed")
        await self.trial.silence()
        row = {"sessions so far": self.taken} | dict.fromkeys(RESOURCES, 0)
        for name in instances:
            state = await controls.state(name)
            found = state["factories"] | {
                "handlers": state["handlers"],
                "tasks": sum(state["tasks"].values()),
            }
            held = {resource: found.get(resource, 0) for resource in RESOURCES}
            before = self.baseline.setdefault(name, held)
            self.trial.recorder.add(
                Kind.READING,
                "lab",
                name,
                **state,
                resources="left",
                sessions_so_far=self.taken,
                returned=all(held[resource] <= before[resource] for resource in RESOURCES),
            )
            for resource in RESOURCES:
                row[resource] += held[resource]
        return row
