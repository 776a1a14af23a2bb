"""journey.error_recovery: three real faults in one journey, and what a client does about each.

A client that lost its connection, or was told that it may try again, sends the same request again
under the same id; it cannot know how far the platform had come.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from gp_helpers.cases.asking import NotConnectedError, ask, connect, settle
from gp_helpers.cases.journey.answers import question_about_costs, read_back, record_answer
from gp_helpers.cases.journey.judge import judge_answer
from gp_helpers.cases.levers import (
    felt,
    hold_the_end_of_answers,
    let_go,
    of_the_model,
    until_begun,
)
from gp_helpers.cases.steps import Case, Shown, step
from gp_helpers.faults import Answer as HttpAnswer
from gp_helpers.faults import HttpMessage, NeverAnswer, OrderGate
from gp_helpers.faults.http_core import Planned
from gp_helpers.probes import NotDescribedError, Person, Socket
from gp_helpers.probes.client import Question
from gp_helpers.probes.expressions import search
from gp_helpers.targets import Ability, Arrangement, Hop, NotStartedError, Unavailable

MODEL_TIMEOUT_S = 5.0
"""Of the embedded backend, which only a step of its clock crosses."""
MODEL_ATTEMPTS = 3
BUSY_TIMEOUT_S = 0.15
MOST_ATTEMPTS = 3
"""How often a client sends one request."""
WITHIN_S = 5.0


class ErrorRecovery(Case):
    """Each question is answered right, once, whatever breaks on the way."""

    id = "journey.error_recovery"
    arrangement = Arrangement(
        proxied=frozenset({Hop.CLIENT_INGRESS, Hop.BACKEND_MODEL}),
        backend={"model_timeout_s": MODEL_TIMEOUT_S, "model_attempts": MODEL_ATTEMPTS},
        busy_timeout_s=BUSY_TIMEOUT_S,
    )
    requires = (Ability.CLIENT_HOP,)
    uses = (Ability.CLIENT_FRAMES,)
    describes = ("websocket.answer|websocket.answer_chunk",)
    optional_without: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "persistence": ("stored_once",),
        "websocket.ready": ("connected",),
    }
    users_at_once = 1

    user: Person
    sockets: list[Socket]
    asked: list[Question]

    @step("Log in, read one's own figures, connect.", expects="a connection")
    async def connect(self) -> Shown:
        self.asked = []
        self.user = await self.trial.person()
        self.trial.expect("the journey", journey=self.user.label)
        await self.trial.client.open_conversation(self.user)
        if self.trial.target.description.billing is not None:
            await self.trial.client.read_billing(self.user)
        self.sockets = [await connect(self.trial, self.user)]
        return Shown("Connected", [{"user": self.user.label}])

    @step(
        "Reset the connection while the agent thinks, reconnect, send the request again, and have "
        "the new connection reset as well.",
        expects="one run goes on, whoever is connected",
        needs=(Ability.CLIENT_HOP,),
    )
    async def reset_while_the_agent_thinks(self) -> Shown:
        can = self.trial.target.can
        if not can(Ability.DIAGNOSTICS) and can(Ability.INSTANCES):
            await self._kill_and_start_again()
        if not (can(Ability.MODEL_HOP) and can(Ability.DIAGNOSTICS)):
            return await self._reset_from_outside()
        gate = self._gate()
        question = await self._ask("reset", gate)
        await self._reset()
        await self._come_back(question)
        await self.trial.client.ping(self.sockets[-1], WITHIN_S)
        await self._reset()
        gate.open()
        await self.trial.silence(timeout_s=WITHIN_S)
        return self._shown("Nobody is connected while the answer is made", question)

    @step(
        "Reconnect, resume from the last event that was seen, and send the request once more.",
        expects="the rest of the five events, and no second run",
        needs=(Ability.CLIENT_HOP,),
    )
    async def come_back(self) -> Shown:
        question = self.asked[-1]
        await self._come_back(question)
        await self._settle(question)
        return self._shown("After coming back", question)

    @step(
        "Take the store's write lock while the agent thinks, and keep it past the busy timeout.",
        expects="the client is told, and its next attempt is answered when the lock is free",
        needs=(Ability.STORE_LOCK, Ability.MODEL_HOP),
    )
    async def lock_the_store(self) -> Shown:
        gate = self._gate()
        question = await self._ask("lock", gate)
        self.trial.control("take the store's write lock")
        try:
            async with self.trial.controls.hold_write_lock() as lock:
                gate.open()
                await settle(self.trial, [(self.sockets[-1], question)], within_s=WITHIN_S)
        except Unavailable:
            # The agent must not go on waiting at our gate.
            gate.open()
            await self._settle(question)
            raise
        felt(self.trial, "lock", lock.held_s > BUSY_TIMEOUT_S)
        await self._settle(question)
        return self._shown("The store was locked", question)

    @step(
        "Let the model endpoint answer 503 to the next attempt, and hang at the one after it.",
        expects="the platform tries again within its bounds, and answers once",
        needs=(Ability.MODEL_HOP,),
    )
    async def fail_the_model(self) -> Shown:
        self.trial.control("the model endpoint answers 503, then nothing")
        plan = self.trial.controls.http_fault(Hop.BACKEND_MODEL).plan
        match = of_the_model(self.trial)
        refused = plan.add(HttpAnswer(503), match=match)
        hung = plan.add(NeverAnswer(), match=match)
        question = await self._ask("model")
        if self.trial.target.can(Ability.CLOCK):
            await self._until_given_up(question, hung)
        await settle(self.trial, [(self.sockets[-1], question)], within_s=WITHIN_S)
        felt(self.trial, "model", bool(refused.applied_to and hung.applied_to))
        plan.clear()
        await self._settle(question)
        return self._shown("The model endpoint failed", question)

    @step("Ask once more, with nothing in the way.", expects="five events, in order, once")
    async def ask_again(self) -> Shown:
        question = await self._ask("next")
        await self._settle(question)
        return self._shown("The next message", question)

    @step("Read the conversation back.", expects="every question and every answer, each once")
    async def read_back(self) -> Shown:
        for question in self.asked:
            answer = record_answer(self.trial, self.sockets, question)
            await judge_answer(self.trial, question, answer)
        exchange = await read_back(self.trial, self.user, self.asked)
        return Shown("What is stored", [{"status": exchange.status, "stored": exchange.body}])

    def _gate(self) -> OrderGate[HttpMessage]:
        """Holds the agent while it thinks, until it is opened."""
        match = of_the_model(self.trial)
        gate = OrderGate[HttpMessage](
            hold=lambda message: message.status is None and match.matches(message),
            until=lambda _: False,
        )
        self.trial.controls.http_fault(Hop.BACKEND_MODEL).gates[:] = [gate]
        return gate

    async def _ask(self, about: str, gate: OrderGate[HttpMessage] | None = None) -> Question:
        """Ask something; with a gate, come back when the agent stands at it."""
        text = question_about_costs(self.trial)
        socket = self.sockets[-1]
        question = await ask(self.trial, socket, f"{text} ({about})", about=about)
        self.asked.append(question)
        if gate is not None:

            async def thinks() -> bool:
                return bool(gate.held)

            await self.trial.until(thinks, timeout_s=WITHIN_S, awaited="an agent that thinks")
            await socket.wait_until(
                lambda: len(socket.of(question.request_id)) > 1,
                timeout_s=WITHIN_S,
                awaited="agent_thinking",
            )
        return question

    async def _until_given_up(self, question: Question, hung: Planned) -> None:
        """Let the backend's time-out for the model pass, once it waits for what hangs."""
        socket = self.sockets[-1]

        async def hangs() -> bool:
            return bool(hung.applied_to) or socket.is_finished(question.request_id)

        await self.trial.until(hangs, timeout_s=WITHIN_S, awaited="an attempt that hangs")
        self.trial.control("let the time-out of the model pass", seconds=MODEL_TIMEOUT_S)
        await self.trial.controls.set_clock(MODEL_TIMEOUT_S)

    async def _reset(self) -> None:
        self.trial.control("reset every connection between client and ingress")
        self.trial.controls.tcp_proxy(Hop.CLIENT_INGRESS).reset_all()
        felt(self.trial, "reset", await self.sockets[-1].wait_closed(WITHIN_S))

    async def _reset_from_outside(self) -> Shown:
        """Where the agent cannot be held, the end of its answer is lost with the connection."""
        held = hold_the_end_of_answers(self.trial)
        question = await self._ask("reset")
        socket = self.sockets[-1]
        await until_begun(self.trial, socket, question, held, within_s=WITHIN_S)
        self.trial.control("reset every connection between client and platform")
        self.trial.controls.tcp_proxy(Hop.CLIENT_INGRESS).reset_all()
        is_cut = await socket.wait_closed(WITHIN_S)
        let_go(self.trial, held)
        felt(self.trial, "reset", is_cut and not socket.is_finished(question.request_id))
        await self.trial.silence(timeout_s=WITHIN_S)
        return self._shown("The connection ended before the answer was there", question)

    async def _kill_and_start_again(self) -> None:
        """The user's own instances are killed while they work, and started at their addresses."""
        controls, socket = self.trial.controls, self.sockets[-1]
        gate = self._gate() if self.trial.target.can(Ability.MODEL_HOP) else None
        held = hold_the_end_of_answers(self.trial)
        question = await self._ask("kill", gate)
        await until_begun(self.trial, socket, question, held, within_s=WITHIN_S)
        names = list(await controls.instances())
        for name in names:
            self.trial.control(f"kill {name}")
            await controls.stop_instance(name, kill=True)
        if gate is not None:
            gate.open()
        if held is not None and held.applied_to:
            # The end of a connection waits behind what is held on it.
            self.trial.control("lose the end of the answer with the instance that sent it")
            controls.frame_proxy().reset_all()
        is_cut = await socket.wait_closed(WITHIN_S)
        let_go(self.trial, held)
        felt(self.trial, "kill", is_cut and not socket.is_finished(question.request_id))
        for name in names:
            await self._start_again(name)
        await self._come_back(question)
        await self._settle(question)

    async def _start_again(self, name: str) -> None:
        """Start a killed instance; that it does not come back is the application's doing."""
        self.trial.control(f"start {name} again")
        try:
            await self.trial.controls.restart_instance(name)
        except NotStartedError:
            await self.trial.silence(timeout_s=WITHIN_S)
            raise

    async def _come_back(self, question: Question) -> None:
        """Reconnect, resume, and send the request again: it may not have arrived."""
        seen = [s.last_event_id for s in self.sockets if s.last_event_id is not None]
        try:
            socket = await connect(self.trial, self.user)
        except NotConnectedError:
            # Who cannot come back has no answer, and will get none.
            await self.trial.silence(timeout_s=WITHIN_S)
            raise
        self.sockets.append(socket)
        try:
            await self.trial.client.resume(socket, seen[-1] if seen else 0)
        except NotDescribedError:
            self.trial.control("the platform has no way to resume")
        await self._send_again(question)

    async def _send_again(self, question: Question) -> None:
        socket = self.sockets[-1]
        await self.trial.client.ask(socket, question.text, request_id=question.request_id)

    async def _settle(self, question: Question) -> None:
        """Wait until nothing more comes; as long as the platform says so, try again."""
        await settle(self.trial, [(self.sockets[-1], question)], within_s=WITHIN_S)
        for _ in range(1, MOST_ATTEMPTS):
            if not self._may_try_again(question):
                return
            await self._send_again(question)
            await settle(self.trial, [(self.sockets[-1], question)], within_s=WITHIN_S)

    def _may_try_again(self, question: Question) -> bool:
        messages = self.sockets[-1].of(question.request_id)
        if not messages or not self.sockets[-1].is_error(messages[-1]):
            return False
        return search("data.retryable", messages[-1].body) is not False

    def _shown(self, title: str, question: Question) -> Shown:
        return Shown(
            title,
            [
                {"connection": socket.label, "message": message.type}
                for socket in self.sockets
                for message in socket.of(question.request_id)
            ],
        )
