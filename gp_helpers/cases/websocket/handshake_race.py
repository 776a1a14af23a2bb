"""websocket.handshake_race: several clients connect to an instance that is starting cold."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from websockets.frames import Opcode

from gp_helpers.cases.levers import felt
from gp_helpers.cases.steps import Case, Shown, step
from gp_helpers.faults import Direction, FrameMatch, HoldUntilPassed, HttpMessage, OrderGate
from gp_helpers.history import Kind
from gp_helpers.parameters import Parameters
from gp_helpers.probes import NotDescribedError, Person, Socket
from gp_helpers.targets import Ability, Arrangement, Hop, RunningTarget

CLIENTS = 5
FEWEST_CLIENTS = 2
HELD_AT_MOST_S = 2.0
"""A first message that waits for that of a client which is refused passes after this time."""
TRAFFIC_WITHIN_S = 0.4
"""A port that listens gets traffic within this time, or not before the instance is ready."""
ANSWERED_WITHIN_S = 5.0
READY_PATH = "/health/ready"
"""What a starting instance asks of the auth service, before it is ready itself."""
RETRY_STATUSES = (503, 429)
CONTROL_WITHIN_S = (0.5, 2.0)
"""How long each connection of the control gets: a platform that says too early that it is ready may
leave the first one alone as it left the others."""
RETRY_CLOSE_CODE = 1013
MOST_ATTEMPTS = 3
_SPOKEN = FrameMatch(direction=Direction.TO_SERVER, opcode=Opcode.TEXT)


class HandshakeRace(Case):
    """A connection is served, or honestly refused; it is never accepted and left alone."""

    id = "websocket.handshake_race"
    arrangement = Arrangement(cold=True, proxied=frozenset({Hop.BACKEND_AUTH}))
    requires_one_of = (Ability.INSTANCES, Ability.CLIENT_FRAMES)
    describes = ("websocket.ready", "websocket.ping", "ready|health")

    optional_claims: ClassVar[Mapping[str, tuple[str, ...]]] = {"asgi": ("faults_were_felt",)}
    """The user's own applications need not ask anything while they start."""

    users: list[Person]
    sockets: dict[str, Socket]

    @classmethod
    def users_on(cls, target: RunningTarget, parameters: Parameters) -> int:
        """The clients and a control; where nothing is started, as many as the parameters say."""
        if target.can(Ability.INSTANCES):
            return CLIENTS + 1
        return max(FEWEST_CLIENTS + 1, parameters.concurrent_users)

    @step("Log in five fresh users; no backend instance runs.", expects="five tokens")
    async def log_in(self) -> Shown:
        count = self.users_on(self.trial.target, self.trial.parameters) - 1
        self.users = await self.trial.people(count)
        return Shown(f"{count} users are logged in", [{"user": u.label} for u in self.users])

    @step(
        "Hold what a starting instance asks of the auth service: its start takes that long.",
        expects="nothing yet; this is the lever",
        needs=(Ability.AUTH_HOP,),
    )
    async def hold_the_start_up(self) -> Shown:
        self.trial.control("hold the auth service's answer to a starting instance")
        self._hold_what_is_asked_first()
        held = READY_PATH if self.trial.is_ours else "what it asks first"
        return Shown("An instance that starts now waits", [{"held": held}])

    @step(
        "Connect all five at once, which starts an instance cold, and send a ping on each.",
        expects="each opens and is greeted, or is refused with 503 or 1013",
    )
    async def connect_during_the_cold_start(self) -> Shown:
        self.trial.target.require(Ability.INSTANCES, Ability.CLIENT_FRAMES)
        self.sockets = {}
        for user in self.users:
            self.trial.expect(f"service of {user.label}", serve=user.label)
        if not self.trial.target.can(Ability.INSTANCES):
            return await self._connect_and_speak_in_reverse()
        if not self.trial.is_ours:
            await self._make_cold()
            if self.trial.target.can(Ability.AUTH_HOP):
                # Whoever asked meanwhile was not the instance that is to start now.
                self._hold_what_is_asked_first()
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._connect(user)) for user in self.users]
            if not self.trial.target.can(Ability.AUTH_HOP):
                # Its start takes as long as it takes.
                await asyncio.wait(tasks, timeout=ANSWERED_WITHIN_S)
            else:
                if await self._gets_traffic_while_it_starts():
                    await asyncio.wait(tasks, timeout=ANSWERED_WITHIN_S)
                self.trial.control("let the auth service answer the starting instance")
                self.gate.open()
        return Shown("What became of the handshakes", [task.result() for task in tasks])

    @step(
        "When the platform says that it is ready, connect one more user as a control.",
        expects="the control is greeted and gets its pong: the platform serves by now",
    )
    async def connect_a_control(self) -> Shown:
        description = self.trial.target.description
        ready = description.ready or next(iter(description.health.values()), None)
        if ready is None:
            raise NotDescribedError("ready, health")

        async def is_ready() -> bool:
            exchange = await self.trial.client.http.send("lab", ready, {}, purpose="ready?")
            return bool(exchange.accepted)

        await self.trial.until(is_ready, timeout_s=5.0, awaited="readiness")
        control = await self.trial.person("control")
        served = False
        for patience_s in CONTROL_WITHIN_S:
            socket, _ = await self.trial.client.connect(control)
            served = socket is not None and await self._is_served(socket, patience_s)
            if served:
                break
        self.trial.recorder.add(Kind.EXPECTED, control.label, "control", control=True)
        return Shown("The control", [{"user": control.label, "served": served}])

    @step(
        "Retry, as often as they were honestly refused, and see who is served.",
        expects="everybody is greeted and has a pong",
    )
    async def see_who_is_served(self) -> Shown:
        rows = await asyncio.gather(*(self._settle(user) for user in self.users))
        silent = sum(not row["served"] for row in rows)
        return Shown(f"{silent} of {len(rows)} connections are not served", list(rows))

    def _hold_what_is_asked_first(self) -> None:
        first = [READY_PATH] if self.trial.is_ours else []

        def is_asked_first(message: HttpMessage) -> bool:
            if message.status is None and not first:
                first.append(message.path)
            return message.path in first

        self.gate = OrderGate[HttpMessage](hold=is_asked_first, until=lambda _: False)
        self.trial.controls.http_fault(Hop.BACKEND_AUTH).gates[:] = [self.gate]

    async def _make_cold(self) -> None:
        """Take away the instances that what was asked so far has started."""
        for name in await self.trial.controls.instances():
            self.trial.control(f"kill {name}, so that no instance runs")
            await self.trial.controls.stop_instance(name, kill=True)

    async def _connect_and_speak_in_reverse(self) -> Shown:
        """Where nothing can be started cold: who connects first is heard last."""
        proxy = self.trial.controls.frame_proxy()
        first = proxy.connections_total + 1
        numbers = range(first, first + len(self.users))
        self.trial.control("hold each client's first message until the next client's has passed")
        for number in numbers[:-1]:
            proxy.plan.add(
                HoldUntilPassed(
                    until=replace(_SPOKEN, connection=number + 1), give_up_after_s=HELD_AT_MOST_S
                ),
                replace(_SPOKEN, connection=number),
            )
        rows = await asyncio.gather(*(self._connect(user) for user in self.users))

        def heard() -> list[int]:
            spoken = [r for r in proxy.records if _SPOKEN.direction is r.direction]
            return list(dict.fromkeys(r.connection for r in spoken if r.opcode is Opcode.TEXT))

        async def all_are_heard() -> bool:
            return len(set(heard()) & set(numbers)) >= len(self.sockets)

        await self.trial.until(
            all_are_heard, timeout_s=ANSWERED_WITHIN_S, awaited="the first messages"
        )
        order = [number for number in heard() if number in numbers]
        turned = len(order) > 1 and order == sorted(order, reverse=True)
        self.trial.measured("fault reverse", float(turned), "felt", fault="reverse", order=order)
        return Shown("What became of the handshakes", list(rows))

    async def _gets_traffic_while_it_starts(self) -> bool:
        """Whether the ingress lets requests through to an instance that is not ready."""

        async def serves() -> bool:
            return bool(await self.trial.controls.instances())

        async def waits_in_its_start() -> bool:
            # Applications that are not ours need not ask anything while they start.
            return bool(self.gate.held) or (not self.trial.is_ours and await serves())

        await self.trial.until(
            waits_in_its_start, timeout_s=ANSWERED_WITHIN_S, awaited="a cold start"
        )
        felt(self.trial, "held start-up", bool(self.gate.held))
        return await self.trial.until(
            serves, timeout_s=TRAFFIC_WITHIN_S, awaited="traffic before readiness"
        )

    async def _connect(self, user: Person) -> dict[str, Any]:
        socket, refusal = await self.trial.client.connect(user)
        if socket is None:
            assert refusal is not None
            return {"user": user.label, "opened": False, "status": refusal.data["status"]}
        self.sockets[user.label] = socket
        await self.trial.client.send_ping(socket)
        return {"user": user.label, "opened": True, "status": 101}

    async def _is_served(self, socket: Socket, timeout_s: float) -> bool:
        return await socket.wait_ready(timeout_s) and await self.trial.client.ping(
            socket, timeout_s
        )

    async def _settle(self, user: Person) -> dict[str, Any]:
        """By now the control was served: what a socket still waits for will not come."""
        attempts = 1
        socket = self.sockets.get(user.label)
        while attempts < MOST_ATTEMPTS and self._was_honestly_refused(user, socket):
            attempts += 1
            socket, _ = await self.trial.client.connect(user)
            if socket is not None:
                await self._is_served(socket, 1.0)
        served = socket is not None and socket.ready is not None
        if served and socket is not None and not socket.closed:
            served = await self.trial.client.ping(socket, 1.0)
        return {"user": user.label, "attempts": attempts, "served": served}

    def _was_honestly_refused(self, user: Person, socket: Socket | None) -> bool:
        if socket is not None:
            return socket.closed is not None and socket.closed.data["code"] == RETRY_CLOSE_CODE
        refusals = self.trial.recorder.history.of(Kind.WS_REFUSED, actor=user.label)
        return bool(refusals) and refusals[-1].data["status"] in RETRY_STATUSES
