"""Puts a backend instance's factories together, and everything that its sessions need."""

from __future__ import annotations

from typing import Any

from gp_helpers.platform.factories.assembly import (
    Components,
    build_assemblies,
    build_registry,
)
from gp_helpers.platform.factories.channels import Channels
from gp_helpers.platform.factories.conformance import Conformance, check_alone, check_factories
from gp_helpers.platform.factories.doubles import example_parts
from gp_helpers.platform.factories.live import LiveSessions
from gp_helpers.platform.factories.parts import FactoryParts


def build_sessions(components: Components, parts: FactoryParts) -> LiveSessions:
    """The sessions of a backend instance; `components` says what stands at each seam."""
    channels = Channels()
    registry = build_registry(components, parts)
    closing = components("session_closing")()

    async def conformance() -> list[dict[str, Any]]:
        return [row.to_json() for row in await registry_conformance(components)]

    return LiveSessions(
        assemblies=build_assemblies(components, registry, channels),
        channels=channels,
        keeping=components("session_keeping")(closing),
        living=parts.living,
        conformance=conformance,
    )


async def registry_conformance(components: Components) -> list[Conformance]:
    """Hold each factory of a registry against the contract, with doubles for all it is made of."""
    async with example_parts() as parts:
        names = [(role, name) for role, name, _ in build_registry(components, parts)]
    rows: list[Conformance] = []
    for role, name in names:
        for check in (check_alone, check_factories):
            async with example_parts() as parts:
                factory = build_registry(components, parts).factory(role, name)
                rows += await check([(role, name, factory)])
    return rows
