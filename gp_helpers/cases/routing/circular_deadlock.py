"""routing.circular_deadlock: requests that several agents work on, handed on in both directions."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, ClassVar

from gp_helpers.cases.asking import ask, connect, settle
from gp_helpers.cases.routing.model_gate import hold_the_model
from gp_helpers.cases.steps import Case, Shown, step
from gp_helpers.checkers.routing.wait_for import stuck_requests, waits_of
from gp_helpers.history import Kind
from gp_helpers.probes import Socket
from gp_helpers.probes.client import Question
from gp_helpers.targets import Ability, Arrangement, Hop

FOR_TWO_AGENTS = "Why is this my largest cost, and what plan would reduce it?"
_PATIENCE_S = 5.0
_POLL_S = 0.004


class CircularDeadlock(Case):
    """Hand-offs end, whichever way they cross."""

    id = "routing.circular_deadlock"
    requires = (Ability.DIAGNOSTICS,)
    users_at_once = 2
    arrangement = Arrangement(proxied=frozenset({Hop.BACKEND_MODEL}))
    optional_claims: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "asgi": ("no_cycle_of_waits", "each_agent_once"),
        "deployment": ("no_cycle_of_waits", "each_agent_once"),
    }

    crossing: Socket
    chain: Socket
    asked: list[tuple[str, Socket, Question]]

    @step("Log in and connect two fresh users.", expects="two sockets that are ready")
    async def connect_two(self) -> Shown:
        people = await self.trial.people(2)
        await asyncio.gather(*(self.trial.client.open_conversation(one) for one in people))
        self.crossing, self.chain = [await connect(self.trial, person) for person in people]
        return Shown("Two users are connected", [{"user": person.label} for person in people])

    @step(
        "Ask for what needs several agents: in one conversation one request from analysis to "
        "planning and one the other way round, in another a chain from triage on. Every first "
        "agent is at the model server when the last request comes.",
        expects="all first agents work; nobody waits for anybody yet",
    )
    async def ask_for_crossing_hand_offs(self) -> Shown:
        gate = hold_the_model(self.trial) if self.trial.target.can(Ability.MODEL_HOP) else None
        self.asked = [
            ("there", self.crossing, await self._ask(self.crossing, "there", "analysis")),
            ("and back", self.crossing, await self._ask(self.crossing, "and back", "planning")),
            ("chain", self.chain, await self._ask(self.chain, "chain", "triage")),
        ]
        if gate is not None:
            await asyncio.gather(
                *(
                    socket.wait_until(
                        lambda socket=socket, question=question: any(  # type: ignore[misc]
                            "agent_thinking" in one.events for one in socket.of(question.request_id)
                        ),
                        timeout_s=_PATIENCE_S,
                        awaited="first agent at work",
                    )
                    for _, socket, question in self.asked
                )
            )
        locks = await self._read()
        if gate is not None:
            gate.open()
            self.trial.control("let the model server answer")
        return Shown("Who sits at which desk", locks)

    @step(
        "Watch until every request has ended, or certainly never will.",
        expects="all end with an answer, each after a hand-off, and no agent had one twice",
    )
    async def watch(self) -> Shown:
        unfinished = await self._until_finished_or_stuck()
        if not unfinished:
            await settle(self.trial, [(socket, question) for _, socket, question in self.asked])
        await self._read()
        rows = [
            {
                "request": label,
                "ends": "never" if question.request_id in unfinished else "yes",
                "agents": self._agents(socket, question),
            }
            for label, socket, question in self.asked
        ]
        return Shown(f"{len(unfinished)} of {len(rows)} requests never end", rows)

    async def _ask(self, socket: Socket, label: str, agent: str) -> Question:
        return await ask(self.trial, socket, FOR_TWO_AGENTS, about=label, more={"agent": agent})

    async def _until_finished_or_stuck(self) -> set[str]:
        """The requests without an end: stuck for good, or not ended in time."""
        open_requests = {question.request_id: socket for _, socket, question in self.asked}
        if not self.trial.target.can(Ability.DIAGNOSTICS):
            ends = [one.wait_for_answer(name, _PATIENCE_S) for name, one in open_requests.items()]
            ended = await asyncio.gather(*ends)
            return {name for name, over in zip(open_requests, ended, strict=True) if not over}
        try:
            async with asyncio.timeout(_PATIENCE_S):
                while True:
                    open_requests = {
                        name: socket
                        for name, socket in open_requests.items()
                        if not socket.is_finished(name)
                    }
                    stuck = set()
                    for state in await self._states():
                        stuck |= stuck_requests(waits_of(state.get("locks", {})))
                    if open_requests.keys() <= stuck:
                        break
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            self.trial.recorder.add(
                Kind.TIMEOUT, "lab", awaited="end of hand-offs", seconds=_PATIENCE_S,
                definite=False,
            )  # fmt: skip
        return set(open_requests)

    async def _states(self) -> list[Mapping[str, Any]]:
        controls = self.trial.controls
        return [await controls.state(name) for name in await controls.instances()]

    async def _read(self) -> list[dict[str, Any]]:
        """Record who holds and who waits; the holders as rows."""
        rows: list[dict[str, Any]] = []
        if not self.trial.target.can(Ability.DIAGNOSTICS):
            return rows
        for name in await self.trial.controls.instances():
            state = await self.trial.reading(name)
            locks = state.get("locks", {})
            rows += [dict(holder) for holder in locks.get("holders", ())]
        return rows

    def _agents(self, socket: Socket, question: Question) -> str:
        for message in socket.of(question.request_id):
            if "agent_completed" in message.events:
                hops = message.body.get("data", {}).get("handoffs", ())
                first = [hop["from"] for hop in hops[:1]]
                return " → ".join([*first, *(hop["to"] for hop in hops)])
            if socket.is_error(message):
                return str(message.body.get("data", {}).get("message"))
        return "no answer"
