"""websocket.connection_interference: several users connect at once, and each asks something."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import ClassVar

from gp_helpers.cases.asking import ask, settle
from gp_helpers.cases.levers import felt, slowed
from gp_helpers.cases.steps import Case, Shown, step
from gp_helpers.faults import Delay, TcpFault
from gp_helpers.probes import Person, Socket
from gp_helpers.targets import Ability, Arrangement, Hop

AUTH_HOP_S = 0.03
"""Latency of the hop to the auth service, so that the handshakes of all users overlap."""


class ConnectionInterference(Case):
    """Everybody gets their own events, all of them, and nobody else's."""

    id = "websocket.connection_interference"
    arrangement = Arrangement(proxied=frozenset({Hop.BACKEND_AUTH}))

    optional_claims: ClassVar[Mapping[str, tuple[str, ...]]] = {"asgi": ("faults_were_felt",)}
    """A gateway that was not written here may ask nobody about a token."""
    optional_without: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "websocket.event_owner": ("own_events",),
        "websocket.ready": ("connected",),
        "auth_hop": ("faults_were_felt",),
    }

    users: list[Person]
    sockets: list[Socket]

    @step("Log in several fresh users.", expects="a token and a canary word for each")
    async def log_in(self) -> Shown:
        self.users = await self.trial.people(self.trial.parameters.concurrent_users)
        self.trial.expect("users at once", at_once=[user.label for user in self.users])
        await asyncio.gather(*(self.trial.client.open_conversation(u) for u in self.users))
        return Shown(
            f"{len(self.users)} users are logged in",
            [{"user": user.label, "canary": user.canary} for user in self.users],
        )

    @step(
        "Make the hop to the auth service slow, so that handshakes overlap.",
        expects="nothing yet; this is the lever",
        needs=(Ability.AUTH_HOP,),
    )
    async def slow_the_auth_hop(self) -> Shown:
        self.trial.control("slow hop to the auth service", latency_s=AUTH_HOP_S)
        fault = TcpFault(delay=Delay(latency_s=AUTH_HOP_S))
        self.trial.controls.tcp_proxy(Hop.BACKEND_AUTH).set(to_server=fault)
        return Shown("The hop is slow", [{"latency (ms)": AUTH_HOP_S * 1000}])

    @step("Connect everybody at once.", expects="each socket is opened as its own user's")
    async def connect_at_once(self) -> Shown:
        opened = await asyncio.gather(*(self.trial.client.connect(user) for user in self.users))
        if self.trial.target.can(Ability.AUTH_HOP):
            # Two that are held at once are held on connections of their own.
            at_once = slowed(self.trial, Hop.BACKEND_AUTH, AUTH_HOP_S)
            felt(self.trial, "slow auth hop", at_once > 1)
        self.sockets = [socket for socket, _ in opened if socket is not None]
        await asyncio.gather(*(socket.wait_ready(5.0) for socket in self.sockets))
        return Shown(
            f"{len(self.sockets)} of {len(self.users)} sockets are open",
            [{"user": s.person.label, "greeted": s.ready is not None} for s in self.sockets],
        )

    @step(
        "Let everybody ask at once.",
        expects="five events for each, their own",
    )
    async def ask_at_once(self) -> Shown:
        asked = await asyncio.gather(*(ask(self.trial, socket) for socket in self.sockets))
        pairs = list(zip(self.sockets, asked, strict=True))
        await settle(self.trial, pairs)
        return Shown(
            "Who got what",
            [
                {
                    "user": socket.person.label,
                    "events of one's own question": sum(
                        len(m.events) for m in socket.of(question.request_id)
                    ),
                    "events received": sum(len(m.events) for m in socket.messages),
                }
                for socket, question in pairs
            ],
        )
