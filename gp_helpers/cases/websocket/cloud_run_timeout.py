"""websocket.cloud_run_timeout: a quiet connection, and a question around the ingress's cut.

The request timeout is a rule of Cloud Run; the idle timeout belongs to a proxy in front of it. The
clocks are stepped across both; where they are not ours to step, both are small and waited for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from gp_helpers.cases.asking import ask, connect, settle
from gp_helpers.cases.levers import felt, of_the_model
from gp_helpers.cases.passing import PassingTime
from gp_helpers.cases.steps import Case, Shown, step
from gp_helpers.checkers.judging import CONFIGURED_WAIT
from gp_helpers.faults import HttpMessage, OrderGate
from gp_helpers.parameters import AsgiTarget, Parameters
from gp_helpers.probes import NotDescribedError, Person, Socket, search
from gp_helpers.targets import Ability, Arrangement, Hop

REQUEST_TIMEOUT_S = 120.0
IDLE_TIMEOUT_S = 60.0
"""Timeouts of the embedded platform's ingress, as its gateway was told."""
NOTICE_S = 30.0
STEP_S = 15.0
"""So much time passes at once: heartbeats, notices and ends that nest come in different steps."""
HELD_AT_MOST_S = 600.0
"""So long the agent waits for what is held at the model: longer than all the time that passes."""
QUIET_S = 66.0
"""Longer than the idle timeout, and shorter than the life of any connection."""
RESUMES_WITHIN_S = 10.0
"""A client that comes back resumes; its events wait for that and not for a quarter of a second."""
WATCHED_S = 2.0
"""How long the quiet connection is watched at most: until it is cut, or told that its life ends."""
CUT_WITHIN_S = 5.0
MOST_RECONNECTS = 4


class CloudRunTimeout(Case):
    """Timeouts nest, and an accepted question ends with its answer."""

    id = "websocket.cloud_run_timeout"
    arrangement = Arrangement(
        proxied=frozenset({Hop.BACKEND_MODEL}),
        backend={"model_timeout_s": HELD_AT_MOST_S},
        gateway={
            "request_timeout_s": REQUEST_TIMEOUT_S,
            "idle_timeout_s": IDLE_TIMEOUT_S,
            "reconnect_notice_s": NOTICE_S,
            "resume_grace_s": RESUMES_WITHIN_S,
        },
        ingress={"request_timeout_s": REQUEST_TIMEOUT_S, "idle_timeout_s": IDLE_TIMEOUT_S},
    )
    requires = (Ability.INSTANCES, Ability.MODEL_HOP)
    optional_without: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "websocket.lifetime_s": ("quiet_connection_lives",)
    }

    @classmethod
    def arranged(cls, parameters: Parameters) -> Arrangement:
        """The timeouts of this case, or those that the user's own applications are made for."""
        arrangement = super().arranged(parameters)
        if isinstance(parameters.target, AsgiTarget):
            return replace(arrangement, ingress=parameters.target.ingress.model_dump())
        return arrangement

    time: PassingTime
    quiet: Person
    asking: Person

    @step("Log in two fresh users.", expects="two tokens")
    async def log_in(self) -> Shown:
        self.time = PassingTime(self.trial)
        self.quiet, self.asking = await self.trial.people(2)
        await self.trial.client.open_conversation(self.asking)
        return Shown("Two users", [{"user": self.quiet.label}, {"user": self.asking.label}])

    @step(
        "Connect the first user and say nothing for longer than the idle timeout.",
        expects="the connection stays open, as it was told how long it lives",
    )
    async def stay_quiet(self) -> Shown:
        socket = await connect(self.trial, self.quiet)
        told = search(socket.description.lifetime_s, socket.ready and socket.ready.body)
        told = told if isinstance(told, int | float) else None
        if self.trial.target.can(Ability.CLOCK):
            watched = QUIET_S
        else:
            most = max(WATCHED_S, 2 * self._timeout("idle_timeout_s"))
            watched = min(most, float(told or most))
        self.trial.expect(
            "quiet connection", quiet=socket.label, lifetime_s=told, watched_s=watched
        )
        if self.trial.target.can(Ability.CLOCK):
            await self._let_it_be_quiet(socket)
        else:
            began = self.trial.recorder.now
            await socket.watch(watched, until=lambda: _is_told_something(socket))
            self._waited("a quiet connection", began, watched)
        closed = socket.closed
        self.trial.measured("quiet_open_s", self._open_for(socket), "s", quiet=socket.label)
        await socket.close()
        return Shown(
            "The quiet connection",
            [
                {
                    "told to live (s)": told,
                    "watched (s)": watched,
                    "closed with": closed.data["code"] if closed else None,
                }
            ],
        )

    @step(
        "Hold what the agent asks of the model until the connection has ended, and ask.",
        expects="the question is taken; the connection ends before the answer is there",
        needs=(Ability.MODEL_HOP,),
    )
    async def ask_before_the_cut(self) -> Shown:
        self.socket = await connect(self.trial, self.asking)
        match = of_the_model(self.trial)
        gate = OrderGate[HttpMessage](hold=match.matches, until=lambda _: False)
        self.trial.control("hold the model's answers")
        self.trial.controls.http_fault(Hop.BACKEND_MODEL).gates.append(gate)
        self.question = await ask(self.trial, self.socket)
        if self.trial.target.can(Ability.CLOCK):
            await self._until_its_time_is_over(self.socket, gate)
        else:
            began, timeout_s = self.trial.recorder.now, self._timeout("request_timeout_s")
            await self.socket.wait_closed(CUT_WITHIN_S + timeout_s)
            self._waited("the cut of a connection", began, timeout_s)
        self._felt_the_cut(gate)
        self.trial.control("let the model answer")
        gate.open()
        closed = self.socket.closed
        return Shown(
            "The connection ended while the agent worked",
            [
                {
                    "closed with": closed.data["code"] if closed else None,
                    "by": closed.data["by"] if closed else None,
                    "events so far": sum(
                        len(m.events) for m in self.socket.of(self.question.request_id)
                    ),
                }
            ],
        )

    @step(
        "Reconnect and resume until nothing more comes.",
        expects="the answer, exactly once",
        needs=(Ability.MODEL_HOP,),
    )
    async def reconnect_and_resume(self) -> Shown:
        request_id = self.question.request_id
        seen: Any = self.socket.last_event_id
        received = list(self.socket.of(request_id))
        for _ in range(MOST_RECONNECTS):
            socket = await connect(self.trial, self.asking)
            socket.requests.append(request_id)
            try:
                await self.trial.client.resume(socket, seen or 0)
            except NotDescribedError:
                self.trial.control("the platform has no way to resume")
            await settle(self.trial, [(socket, self.question)])
            received += socket.of(request_id)
            if not socket.closed or any("agent_completed" in m.events for m in received):
                break
            seen = socket.last_event_id or seen
        return Shown(
            f"{sum(len(m.events) for m in received)} of five events came in the end",
            [{"event": name} for m in received for name in m.events],
        )

    async def _let_it_be_quiet(self, socket: Socket) -> None:
        """Let the idle timeout pass, and then see whether the connection still serves."""
        async for _ in self.time.steps(QUIET_S, of_s=STEP_S):
            pass
        if not await self.trial.client.ping(socket, CUT_WITHIN_S):
            await socket.wait_closed(CUT_WITHIN_S)

    async def _until_its_time_is_over(self, socket: Socket, gate: OrderGate[HttpMessage]) -> None:
        """Let time pass until the connection ends, by whoever ends it; the client is not idle."""

        async def is_held() -> bool:
            return bool(gate.held) or socket.closed is not None

        await self.trial.until(is_held, timeout_s=CUT_WITHIN_S, awaited="a question to the model")
        async for _ in self.time.steps(REQUEST_TIMEOUT_S + STEP_S, of_s=STEP_S):
            if not await self.trial.client.ping(socket, CUT_WITHIN_S):
                break
        await socket.wait_closed(CUT_WITHIN_S)

    def _timeout(self, name: str) -> float:
        """A timeout of what stands in front, in seconds."""
        return float(self.arranged(self.trial.parameters).ingress[name])

    def _waited(self, on: str, began: float, most_s: float) -> None:
        """Put on record a wait that the timeouts of the user's file ask for, not the platform."""
        if not self.trial.is_ours:
            waited = min(self.trial.recorder.now - began, most_s)
            self.trial.measured(CONFIGURED_WAIT, round(waited, 3), "s", waited_on=on)

    def _felt_the_cut(self, gate: OrderGate[HttpMessage]) -> None:
        """Nobody but the user knows what their backend asks of a model: it has to be seen."""
        if not self.trial.is_ours:
            is_cut = self.socket.closed is not None
            is_open = not self.socket.is_finished(self.question.request_id)
            felt(self.trial, "cut", bool(gate.held) and is_cut and is_open)

    def _open_for(self, socket: Socket) -> float:
        """How long it has been open by its platform's clock; seen only after a whole step."""
        end = socket.closed.t if socket.closed else self.trial.recorder.now
        return round(end - socket.opened.t + self.time.passed_s, 3)


def _is_told_something(socket: Socket) -> bool:
    """Whether more than heartbeats came after the platform's word that the connection serves."""
    later = [message for message in socket.messages if message is not socket.ready]
    return any(not message.entry.data.get("is_ignored") for message in later)
