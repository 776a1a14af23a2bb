"""factory.interface_mismatch: every advertised mode, assembled and used; every factory, held
against the contract."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from gp_helpers.cases.asking import ask, settle
from gp_helpers.cases.factory.modes import (
    ALONE,
    FactoryCase,
    advertised_modes,
    read_factories,
    socket_row,
    try_connect,
)
from gp_helpers.cases.steps import Shown, step
from gp_helpers.probes import Person
from gp_helpers.targets import Ability


class InterfaceMismatch(FactoryCase):
    """What is advertised can be put together."""

    id = "factory.interface_mismatch"
    describes = ("websocket.modes|factories",)
    users_at_once = 1
    optional_without: ClassVar[Mapping[str, tuple[str, ...]]] = {"factories": ("factories_fit",)}

    user: Person
    modes: list[str | None]

    @step(
        "Log in as one fresh user, and ask the platform which modes it offers.",
        expects="a list of modes",
    )
    async def read_the_advertised_modes(self) -> Shown:
        self.user = await self.trial.person()
        await self.trial.client.open_conversation(self.user)
        self.modes = await advertised_modes(self.trial)
        self.trial.expect("advertised modes", advertised=self.modes)
        return Shown(
            f"{len(self.modes)} modes are advertised", [{"mode": mode} for mode in self.modes]
        )

    @step(
        "Hold every factory against the contract: by its signature, and by assembling a product.",
        expects="no factory has a problem",
        needs=(Ability.FACTORIES,),
    )
    async def hold_the_factories_against_the_contract(self) -> Shown:
        rows = [
            {key: row[key] for key in ("role", "factory", "check", "problem")}
            for report in await read_factories(self.trial)
            for row in report.get("conformance", ())
            if row["check"] != ALONE
        ]
        problems = sum(row["problem"] is not None for row in rows)
        return Shown(f"{problems} of {len(rows)} checks of the contract fail", rows)

    @step(
        "In every advertised mode: connect, ask something, close.",
        expects="five events in each",
    )
    async def use_every_mode(self) -> Shown:
        rows = []
        for mode in self.modes:
            self.trial.expect("mode works", mode=mode)
            socket, refusal = await try_connect(self.trial, self.user, mode)
            events = 0
            if socket is not None:
                question = await ask(self.trial, socket, about=f"in mode {mode}")
                await settle(self.trial, [(socket, question)])
                events = sum(len(message.events) for message in socket.of(question.request_id))
                await socket.close()
            rows.append({"mode": mode, "events": events, **socket_row(socket, refusal)})
        served = sum(row["events"] == 5 for row in rows)
        return Shown(f"{served} of {len(rows)} advertised modes answer", rows)
