"""Modes of the socket, and what the platform's diagnostics say about its factories.

A platform that states no modes has one; then the socket is opened as the description says.
"""

from __future__ import annotations

from typing import Any

from gp_helpers.cases.asking import NotConnectedError
from gp_helpers.cases.components import record_component
from gp_helpers.cases.steps import Case, Shown
from gp_helpers.cases.trial import Trial
from gp_helpers.history import Entry, Kind
from gp_helpers.parameters.templates import render
from gp_helpers.probes import Person, Socket
from gp_helpers.targets import Ability

READY_WITHIN_S = 5.0
ALONE = "alone"


async def advertised_modes(trial: Trial) -> list[str | None]:
    """The modes that the platform advertises; only None where it states no modes."""
    websocket = trial.target.description.websocket
    if websocket is None or websocket.modes is None:
        return [None]
    modes = websocket.modes
    exchange = await trial.client.http.send(
        "lab", modes.advertised, {}, purpose="read the advertised modes"
    )
    found = exchange.find(modes.names)
    return [str(name) for name in found] if isinstance(found, list) and found else [None]


async def preferred_modes(trial: Trial, *wanted: str) -> list[str | None]:
    """Those of the wanted modes that are advertised; the last one that is, if none of them is."""
    modes = await advertised_modes(trial)
    return [name for name in wanted if name in modes] or modes[-1:]


async def try_connect(
    trial: Trial, person: Person, mode: str | None
) -> tuple[Socket | None, Entry | None]:
    """Open a socket in a mode and wait for its greeting: the socket, or its refusal."""
    websocket = trial.target.description.websocket
    query = None
    if mode is not None and websocket is not None and websocket.modes is not None:
        query = render(websocket.modes.query, {"mode": mode})
    socket, refusal = await trial.client.connect(person, query=query)
    if socket is not None:
        await socket.wait_ready(READY_WITHIN_S)
    return socket, refusal


async def connect(trial: Trial, person: Person, mode: str | None) -> Socket:
    """A socket in a mode that the platform says is ready; raises `NotConnectedError`."""
    socket, refusal = await try_connect(trial, person, mode)
    if socket is None:
        raise NotConnectedError(person, f"refused with {refusal and refusal.data['status']}")
    description = trial.target.description.websocket
    if socket.ready is None and description is not None and description.ready is not None:
        raise NotConnectedError(person, "the socket is open and the platform says nothing")
    return socket


async def read_factories(trial: Trial, **more: Any) -> list[dict[str, Any]]:
    """Read and record what each instance says about its factories and sessions."""
    found = []
    for name in await trial.controls.instances():
        report = dict(await trial.controls.factories(name))
        trial.recorder.add(Kind.READING, "lab", name, **{**report, **more})
        found.append(report)
    return found


class FactoryCase(Case):
    """A case whose component checks also make each factory work by itself."""

    async def components(self) -> Shown:
        shown = await super().components()
        if not self.trial.target.can(Ability.FACTORIES):
            return shown
        rows = list(shown.rows)
        instance = await self.trial.an_instance()
        report = await self.trial.controls.factories(instance)
        for row in report.get("conformance", ()):
            if row["check"] == ALONE:
                rows.append(
                    record_component(
                        self.trial,
                        f"{row['factory']} {row['role']} factory",
                        "makes a product that works, from its own arguments",
                        row["problem"] is None,
                        row["problem"] or "works",
                    )
                )
        return Shown("Each component alone", rows)


def socket_row(socket: Socket | None, refusal: Entry | None) -> dict[str, Any]:
    """How the opening of a socket ended, for a table."""
    if socket is None:
        return {"handshake": refusal and refusal.data["status"], "greeted": False, "closed": None}
    return {
        "handshake": 101,
        "greeted": socket.ready is not None,
        "closed": socket.closed and socket.closed.data["code"],
    }
