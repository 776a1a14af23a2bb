"""websocket.event_manager_init: a request that follows the handshake at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from gp_helpers.cases.asking import ask, settle
from gp_helpers.cases.levers import felt, slowed
from gp_helpers.cases.steps import Case, Shown, step
from gp_helpers.faults import Delay, HttpMessage, Match, OrderGate, TcpFault
from gp_helpers.probes import Person, Socket
from gp_helpers.targets import Ability, Arrangement, Hop

AUTH_HOP_S = 0.15
"""Latency of the hop to the auth service."""
PROFILE = "/auth/me"
"""What the embedded platform asks of its auth service when a connection is not ready without it."""
WITHIN_S = 10.0


class EventManagerInit(Case):
    """The first request of a connection gets its five events, however early it comes."""

    id = "websocket.event_manager_init"
    arrangement = Arrangement(proxied=frozenset({Hop.BACKEND_AUTH}))
    optional_claims: ClassVar[Mapping[str, tuple[str, ...]]] = {"asgi": ("faults_were_felt",)}
    """A gateway that was not written here may ask nobody about a token."""
    optional_without: ClassVar[Mapping[str, tuple[str, ...]]] = {"auth_hop": ("faults_were_felt",)}
    users_at_once = 1

    user: Person
    socket: Socket | None
    profile: OrderGate[HttpMessage]
    """Holds what is asked after the handshake, on the embedded platform."""

    @step("Log in one fresh user and open a conversation.", expects="a token and a thread")
    async def log_in(self) -> Shown:
        self.user = await self.trial.person()
        await self.trial.client.open_conversation(self.user)
        return Shown("Logged in", [{"user": self.user.label, "thread": self.user.thread_id}])

    @step(
        "Make the hop from the backend to the auth service slow.",
        expects="nothing yet; this is the lever",
        needs=(Ability.AUTH_HOP,),
    )
    async def slow_the_auth_hop(self) -> Shown:
        self.trial.control("slow hop to the auth service", latency_s=AUTH_HOP_S)
        fault = TcpFault(delay=Delay(latency_s=AUTH_HOP_S))
        self.trial.controls.tcp_proxy(Hop.BACKEND_AUTH).set(to_server=fault)
        # An agent is faster than what is asked after the handshake, on a busy machine as well.
        match = Match(method="GET", path_prefix=PROFILE)
        self.profile = OrderGate(hold=match.matches, until=lambda _: False)
        if self.trial.is_ours:
            self.trial.controls.http_fault(Hop.BACKEND_AUTH).gates.append(self.profile)
        return Shown("The hop is slow", [{"latency (ms)": AUTH_HOP_S * 1000}])

    @step(
        "Connect, and ask in the instant in which the handshake is done.",
        expects="five events, in order, exactly once",
    )
    async def ask_right_after_connecting(self) -> Shown:
        self.socket, _ = await self.trial.client.connect(self.user)
        if self.trial.target.can(Ability.AUTH_HOP):
            is_slow = slowed(self.trial, Hop.BACKEND_AUTH, AUTH_HOP_S) > 0
            felt(self.trial, "slow auth hop", is_slow)
        if self.socket is None:
            return Shown("The handshake was refused")
        question = await ask(self.trial, self.socket)
        if self.trial.is_ours:
            await self._until_worked_off(self.socket)
            self.profile.open()
        await settle(self.trial, [(self.socket, question)])
        events = [name for m in self.socket.of(question.request_id) for name in m.events]
        return Shown(
            f"{len(events)} of five events came",
            [{"event": name} for name in events],
        )

    @step(
        "Ask again on the same connection, as a control.",
        expects="five events: by now everything is there",
    )
    async def ask_again(self) -> Shown:
        if self.socket is None:
            return Shown("There is no connection")
        question = await ask(self.trial, self.socket, about="control")
        await settle(self.trial, [(self.socket, question)])
        events = [name for m in self.socket.of(question.request_id) for name in m.events]
        return Shown(f"{len(events)} of five events came", [{"event": name} for name in events])

    async def _until_worked_off(self, socket: Socket) -> None:
        """Wait until the question has been read, and nobody works on it any more."""
        await self.trial.client.ping(socket, WITHIN_S)
        instance = await self.trial.an_instance()

        async def is_worked_off() -> bool:
            state = await self.trial.controls.state(instance)
            return not state["requests"]

        await self.trial.until(is_worked_off, timeout_s=WITHIN_S, awaited="end of the work")
