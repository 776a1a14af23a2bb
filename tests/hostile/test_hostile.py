"""A platform that misbehaves ends in a finding or inconclusive, in time and in bounded memory."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests.hostile import events, frames, handshakes, http_bodies, http_framing, socketio
from tests.hostile.server import JSON, SOCKETIO, Behaviour, Stage, serving
from tests.support.repository import ROOT

SECONDS = 1.5
"""What the target's limits allow; every wait of the probes is bound by it."""
HEAVY_SECONDS = 0.6
"""The same for floods: for so long each keeps as much of the machine busy as it can have."""
HONEST_SECONDS = 60.0
"""What is not to end by itself gets this; it comes first, and imports what the others need."""
GRACE_S = 6.0
"""For what comes after the limit: closing handshakes, silence, a loaded machine."""
HEAVY_GRACE_S = 20.0
"""The same for floods, which never end by themselves and keep a processor busy, two at once."""
MEGABYTES = 64.0
"""How much all behaviours together may make a process of visits grow."""
AT_ONCE = 14
"""Most of a visit is waiting for what does not come."""
HEAVY_AT_ONCE = 2
ALL_SECONDS = 150
"""For all of them together, on a machine that is busy with other things."""
HONEST = "honest"
CASES = (
    "auth.validation_cascade",
    "websocket.event_manager_init",
    "websocket.connection_interference",
    "journey.login_to_answer",
)

MODULES = (http_framing, http_bodies, handshakes, frames, events, socketio)
BEHAVIOURS: Mapping[str, Behaviour] = {
    behaviour.name: behaviour for module in MODULES for behaviour in module.BEHAVIOURS
}
JOURNEY = CASES[-1]


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


@dataclass(frozen=True)
class Visit:
    """One behaviour, met by one case."""

    behaviour: Behaviour
    case: str
    framed: bool = False
    """Whether the frame proxy stands between them."""

    @property
    def key(self) -> tuple[str, str, str, bool]:
        """What the visit is found by."""
        return (self.behaviour.name, self.case, self.behaviour.transport, self.framed)

    @property
    def seconds(self) -> float:
        """What its target's limits allow."""
        if self.behaviour.name == HONEST:
            return HONEST_SECONDS
        return HEAVY_SECONDS if self.behaviour.is_heavy else SECONDS

    def job(self) -> dict[str, Any]:
        """The visit as the other process reads it."""
        name, case, transport, framed = self.key
        return {
            "name": name,
            "case": case,
            "transport": transport,
            "framed": framed,
            "seconds": self.seconds,
        }


async def _never(*_: Any) -> None:
    raise AssertionError("nobody takes the honest platform over")


HONEST_VISITS = [
    Visit(Behaviour(HONEST, Stage.ANSWER, _never, transport=transport), case, framed)
    for case in CASES
    for transport in (JSON, SOCKETIO)
    for framed in (False, True)
]
VISITS = [
    *(Visit(one, one.case) for one in BEHAVIOURS.values()),
    *(
        Visit(one, JOURNEY)
        for module in MODULES
        if module not in (http_framing, http_bodies)
        for one in module.BEHAVIOURS
        if not one.is_heavy
    ),
    *(Visit(one, one.case, True) for module in (handshakes, frames) for one in module.BEHAVIOURS),
]


async def _visit_all() -> tuple[list[dict[str, Any]], list[str]]:
    honest = [one.job() for one in HONEST_VISITS]
    heavy = [one.job() for one in VISITS if one.behaviour.is_heavy]
    light = [one.job() for one in VISITS if not one.behaviour.is_heavy]
    async with serving(BEHAVIOURS) as hostile:
        base = f"http://127.0.0.1:{hostile.port}"
        one_by_one, at_once = await asyncio.gather(
            _visit({"base": base, "first": honest[:1], "at_once": HEAVY_AT_ONCE, "visits": heavy}),
            _visit({"base": base, "first": honest, "at_once": AT_ONCE, "visits": light}),
        )
        return one_by_one + at_once, hostile.failures


Key = tuple[str, str, str, bool]


@pytest.fixture(scope="module")
def visits(tmp_path_factory: pytest.TempPathFactory) -> Mapping[Key, dict[str, Any]]:
    """What became of each visit; they are made once, however many processes run these tests."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    made = shared / "hostile_visits.json"
    with (shared / "hostile_visits.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            made.write_text(json.dumps(asyncio.run(_visit_all())), encoding="utf-8")
    found, failures = json.loads(made.read_text(encoding="utf-8"))
    assert failures == []
    return {(one["name"], one["case"], one["transport"], one["framed"]): one for one in found}


def test_there_are_at_least_forty_behaviours_and_each_has_a_name_of_its_own() -> None:
    assert len(BEHAVIOURS) == sum(len(module.BEHAVIOURS) for module in MODULES)
    assert len(BEHAVIOURS) >= 40


def _named(visit: Visit) -> str:
    name, case, transport, framed = visit.key
    return "-".join([name, case, transport, *(["framed"] if framed else [])])


@pytest.mark.parametrize("visit", HONEST_VISITS, ids=_named)
def test_the_same_server_passes_while_it_is_honest(
    visits: Mapping[Key, dict[str, Any]], visit: Visit
) -> None:
    assert visits[visit.key]["outcome"] == "pass", visits[visit.key]["reason"]


@pytest.mark.parametrize("visit", VISITS, ids=_named)
def test_misbehaviour_ends_in_a_verdict_that_is_no_pass(
    visits: Mapping[Key, dict[str, Any]], visit: Visit
) -> None:
    found = visits[visit.key]
    assert found["outcome"] in ("fail", "inconclusive"), found["reason"]
    assert found["reason"]
    assert found["strays"] == []
    grace_s = HEAVY_GRACE_S if visit.behaviour.is_heavy else GRACE_S
    assert found["seconds"] < visit.seconds + grace_s
    assert found["megabytes"] < MEGABYTES
