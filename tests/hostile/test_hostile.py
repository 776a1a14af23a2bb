"""A platform that misbehaves ends in a finding or inconclusive, in time and in bounded memory."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from tests.hostile import events, frames, handshakes, http_bodies, http_framing
from tests.hostile.server import Behaviour, serving
from tests.support.repository import ROOT

SECONDS = 1.5
"""What the target's limits allow; every wait of the probes is bound by it."""
HONEST_SECONDS = 60.0
"""What is not to end by itself gets this; it comes first, and imports what the others need."""
GRACE_S = 6.0
"""For what comes after the limit: closing handshakes, silence, a loaded machine."""
MEGABYTES = 64.0
"""How much one behaviour may make the process grow."""
AT_ONCE = 8
ALL_SECONDS = 150
"""For all of them together, on a machine that is busy with other things."""
HONEST = "honest"
CASES = (
    "auth.validation_cascade",
    "websocket.event_manager_init",
    "websocket.connection_interference",
)

BEHAVIOURS: Mapping[str, Behaviour] = {
    behaviour.name: behaviour
    for module in (http_framing, http_bodies, handshakes, frames, events)
    for behaviour in module.BEHAVIOURS
}


async def _visit(job: dict[str, Any]) -> list[dict[str, Any]]:
    """The visits of one job, made by a process of their own."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.hostile.probing",
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(ALL_SECONDS):
            told, complaints = await child.communicate(json.dumps(job).encode())
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    assert child.returncode == 0, complaints.decode()
    return [json.loads(line) for line in told.decode().splitlines()]


async def _visit_all() -> tuple[list[dict[str, Any]], list[str]]:
    heavy = [_as_visit(one) for one in BEHAVIOURS.values() if one.is_heavy]
    light = [_as_visit(one) for one in BEHAVIOURS.values() if not one.is_heavy]
    honest = [{"name": HONEST, "case": case, "seconds": HONEST_SECONDS} for case in CASES]
    async with serving(BEHAVIOURS) as hostile:
        base = f"http://127.0.0.1:{hostile.port}"
        one_by_one, at_once = await asyncio.gather(
            _visit({"base": base, "first": honest[:1], "at_once": 1, "visits": heavy}),
            _visit({"base": base, "first": honest, "at_once": AT_ONCE, "visits": light}),
        )
        return one_by_one + at_once, hostile.failures


def _as_visit(behaviour: Behaviour) -> dict[str, Any]:
    return {"name": behaviour.name, "case": behaviour.case, "seconds": SECONDS}


@pytest.fixture(scope="module")
def visits() -> Mapping[tuple[str, str], dict[str, Any]]:
    """What became of each behaviour, by its name and the case that met it."""
    found, failures = asyncio.run(_visit_all())
    assert failures == []
    return {(one["name"], one["case"]): one for one in found}


def test_there_are_at_least_forty_behaviours_and_each_has_a_name_of_its_own() -> None:
    modules = (http_framing, http_bodies, handshakes, frames, events)
    assert len(BEHAVIOURS) == sum(len(module.BEHAVIOURS) for module in modules)
    assert len(BEHAVIOURS) >= 40


@pytest.mark.parametrize("case", CASES)
def test_the_same_server_passes_while_it_is_honest(
    visits: Mapping[tuple[str, str], dict[str, Any]], case: str
) -> None:
    assert visits[HONEST, case]["outcome"] == "pass", visits[HONEST, case]["reason"]


@pytest.mark.parametrize("behaviour", BEHAVIOURS.values(), ids=lambda one: one.name)
def test_misbehaviour_ends_in_a_verdict_that_is_no_pass(
    visits: Mapping[tuple[str, str], dict[str, Any]], behaviour: Behaviour
) -> None:
    visit = visits[behaviour.name, behaviour.case]
    assert visit["outcome"] in ("fail", "inconclusive"), visit["reason"]
    assert visit["reason"]
    assert visit["strays"] == []
    assert visit["seconds"] < SECONDS + GRACE_S
    if behaviour.is_heavy:
        assert visit["megabytes"] < MEGABYTES
