"""websocket.handshake_race: several clients connect to an instance that is starting cold."""

from __future__ import annotations

import asyncio
from typing import Any

from gp_helpers.cases.steps import Case, Shown, step
from gp_helpers.faults import Delay, TcpFault
from gp_helpers.history import Kind
from gp_helpers.probes import NotDescribedError, Person, Socket
from gp_helpers.targets import Ability, Arrangement, Hop

CLIENTS = 5
START_UP_HOP_S = 0.06
"""Latency of the hop to the auth service, which a starting instance asks before it is ready."""
RETRY_STATUSES = (503, 429)
RETRY_CLOSE_CODE = 1013
MOST_ATTEMPTS = 3


class HandshakeRace(Case):
    """A connection is served, or honestly refused; it is never accepted and left alone."""

    id = "websocket.handshake_race"
    arrangement = Arrangement(cold=True, proxied=frozenset({Hop.BACKEND_AUTH}))
    requires = (Ability.INSTANCES,)

    users: list[Person]
    sockets: dict[str, Socket]

    @step("Log in five fresh users; no backend instance runs.", expects="five tokens")
    async def log_in(self) -> Shown:
        self.users = await self.trial.people(CLIENTS)
        return Shown(f"{CLIENTS} users are logged in", [{"user": u.label} for u in self.users])

    @step(
        "Make the start-up of an instance take its time: its hop to the auth service is slow.",
        expects="nothing yet; this is the lever",
        needs=(Ability.AUTH_HOP,),
    )
    async def slow_the_start_down(self) -> Shown:
        self.trial.control("slow hop to the auth service", latency_s=START_UP_HOP_S)
        delay = Delay(latency_s=START_UP_HOP_S)
        self.trial.controls.tcp_proxy(Hop.BACKEND_AUTH).set(to_server=TcpFault(delay=delay))
        return Shown("The hop is slow", [{"latency (ms)": START_UP_HOP_S * 1000}])

    @step(
        "Connect all five at once, which starts an instance cold, and send a ping on each.",
        expects="each opens and is greeted, or is refused with 503 or 1013",
    )
    async def connect_during_the_cold_start(self) -> Shown:
        self.sockets = {}
        for user in self.users:
            self.trial.expect(f"service of {user.label}", serve=user.label)
        rows = await asyncio.gather(*(self._connect(user) for user in self.users))
        return Shown("What became of the handshakes", list(rows))

    @step(
        "When the platform says that it is ready, connect one more user as a control.",
        expects="the control is greeted and gets its pong: the platform serves by now",
    )
    async def connect_a_control(self) -> Shown:
        ready = self.trial.target.description.ready
        if ready is None:
            raise NotDescribedError("ready")

        async def is_ready() -> bool:
            exchange = await self.trial.client.http.send("lab", ready, {}, purpose="ready?")
            return bool(exchange.accepted)

        await self.trial.until(is_ready, timeout_s=5.0, awaited="readiness")
        control = await self.trial.person("control")
        socket, _ = await self.trial.client.connect(control)
        served = socket is not None and await self._is_served(socket, 2.0)
        self.trial.recorder.add(Kind.EXPECTED, control.label, "control", control=True)
        return Shown("The control", [{"user": control.label, "served": served}])

    @step(
        "Retry, as often as they were honestly refused, and see who is served.",
        expects="everybody is greeted and has a pong",
    )
    async def see_who_is_served(self) -> Shown:
        rows = await asyncio.gather(*(self._settle(user) for user in self.users))
        silent = sum(not row["served"] for row in rows)
        return Shown(f"{silent} of {CLIENTS} connections are not served", list(rows))

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
