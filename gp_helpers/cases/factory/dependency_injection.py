"""factory.dependency_injection: is a session's object graph complete, and does it speak?"""

from __future__ import annotations

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


class DependencyInjection(FactoryCase):
    """The objects of a session have everything that they depend on."""

    id = "factory.dependency_injection"
    users_at_once = 1
    optional_claims: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "deployment": ("graph_complete", "log_agrees"),
        "asgi": ("graph_complete", "log_agrees"),
    }

    user: Person
    socket: Socket

    @step(
        "Log in as one fresh user, and connect in the mode that is put together by factories.",
        expects="a greeting",
    )
    async def connect_through_factories(self) -> Shown:
        self.user = await self.trial.person()
        await self.trial.client.open_conversation(self.user)
        (mode,) = await preferred_modes(self.trial, "factory")
        self.socket = await connect(self.trial, self.user, mode)
        return Shown(f"{self.user.label} is connected in mode {mode}")

    @step(
        "Read the dependency graph of the session's objects.",
        expects="every dependency is there, and none leads back to where it came from",
        needs=(Ability.FACTORIES,),
    )
    async def read_the_graph(self) -> Shown:
        rows = [
            {
                "object": edge["from"],
                "needs": edge["name"],
                "has": edge["to"],
                "by": edge["injected"],
            }
            for session in await self._sessions()
            for edge in session["graph"]["edges"]
        ]
        lacking = sum(row["has"] is None for row in rows)
        return Shown(f"{lacking} of {len(rows)} dependencies are missing", rows)

    @step("Ask something, and let it come to its end.", expects="five events")
    async def ask_something(self) -> Shown:
        question = await ask(self.trial, self.socket)
        await settle(self.trial, [(self.socket, question)])
        names = [name for m in self.socket.of(question.request_id) for name in m.events]
        return Shown(f"{len(names)} of five events came", [{"event": name} for name in names])

    @step(
        "Read what the platform believes that it did.",
        expects="as many events delivered as the client got",
        needs=(Ability.FACTORIES,),
    )
    async def read_what_it_believes(self) -> Shown:
        rows = [
            {"requests completed": one["completed"], "events delivered": one["delivered"]}
            for one in await self._sessions()
        ]
        return Shown("What the platform believes", rows)

    async def _sessions(self) -> list[dict[str, Any]]:
        return [
            session
            for report in await read_factories(self.trial, asked=len(self.socket.requests))
            for session in report.get("sessions", ())
        ]
