"""factory.user_context_isolation: several users in the mode that promises to share nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, ClassVar

from gp_helpers.cases.asking import ask, settle
from gp_helpers.cases.factory.modes import (
    FactoryCase,
    connect,
    preferred_modes,
    read_factories,
)
from gp_helpers.cases.steps import Shown, step
from gp_helpers.probes import Person, Socket
from gp_helpers.targets import Ability


class UserContextIsolation(FactoryCase):
    """What is made for a user belongs to that user."""

    id = "factory.user_context_isolation"
    optional_claims: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "deployment": ("own_objects",),
        "asgi": ("own_objects",),
    }
    optional_without: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "websocket.event_owner": ("own_events",)
    }

    users: list[Person]
    sockets: list[Socket]

    @step("Log in several fresh users.", expects="a token and a conversation for each")
    async def log_in(self) -> Shown:
        count = self.trial.parameters.concurrent_users
        self.users = await self.trial.people(count)
        await asyncio.gather(*(self.trial.client.open_conversation(user) for user in self.users))
        return Shown(
            f"{count} users are logged in",
            [{"user": user.label, "canary": user.canary} for user in self.users],
        )

    @step(
        "Connect them one after the other, none with a device id.",
        expects="a greeting for each, with their own id",
    )
    async def connect_in_turn(self) -> Shown:
        (mode,) = await preferred_modes(self.trial, "isolated")
        self.sockets = [await connect(self.trial, user, mode) for user in self.users]
        return Shown(
            f"{len(self.sockets)} connections in mode {mode}",
            [{"user": socket.person.label, "connection": socket.label} for socket in self.sockets],
        )

    @step(
        "Read whose objects each session holds.",
        expects="every object of a session belongs to the session's user",
        needs=(Ability.FACTORIES,),
    )
    async def read_the_owners(self) -> Shown:
        label = self.trial.client.label_of
        rows = []
        for report in await read_factories(self.trial, connected=len(self.sockets)):
            for session in report.get("sessions", ()):
                rows += [
                    {
                        "session of": label(session["user_id"]),
                        "object": node["id"],
                        "type": node["type"],
                        "belongs to": label(node["owner"]),
                    }
                    for node in session["graph"]["nodes"]
                    if node["owner"] is not None
                ]
        foreign = sum(row["session of"] != row["belongs to"] for row in rows)
        return Shown(f"{foreign} of {len(rows)} objects belong to somebody else", rows)

    @step(
        "Everybody asks for their largest cost, at once.",
        expects="five events for each, with their own figures, and nobody else's",
    )
    async def ask_at_once(self) -> Shown:
        asked = await asyncio.gather(*(ask(self.trial, socket) for socket in self.sockets))
        await settle(self.trial, list(zip(self.sockets, asked, strict=True)))
        rows: list[dict[str, Any]] = []
        for socket, question in zip(self.sockets, asked, strict=True):
            events = [message for message in socket.messages if message.events]
            owners = [
                self.trial.client.label_of(message.entry.data.get("owner")) for message in events
            ]
            rows.append(
                {
                    "user": socket.person.label,
                    "own events": sum(bool(m.events) for m in socket.of(question.request_id)),
                    "events of others": sum(owner != socket.person.label for owner in owners),
                }
            )
        foreign = sum(row["events of others"] for row in rows)
        return Shown(f"{foreign} events reached somebody else's socket", rows)
