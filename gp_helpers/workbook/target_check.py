"""Walks a target stage by stage against the live system, with one user and one question.

It shows what was said at each stage, what the description recognised of it, and what came that the
description does not mention: this is how one writes a parameter file in the first place.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx

from gp_helpers.cases.fitness import Fitness, fitness
from gp_helpers.history import Recorder, Redactor
from gp_helpers.parameters import Parameters
from gp_helpers.plan import select
from gp_helpers.probes import (
    Client,
    Guest,
    HttpProbe,
    Supervisor,
    new_person,
)
from gp_helpers.targets.running import RunningTarget
from gp_helpers.workbook.target_findings import Unmentioned, unmentioned
from gp_helpers.workbook.target_stages import (
    Outcome,
    Stage,
    Walk,
)


@dataclass(frozen=True, slots=True)
class Checked:
    """What a walk found."""

    stages: tuple[Stage, ...]
    table: tuple[Fitness, ...]
    """The 23 cases."""
    unmentioned: tuple[Unmentioned, ...]
    """What came and the description does not mention."""
    spent: dict[str, object]

    @property
    def went_well(self) -> bool:
        """Whether no stage met a problem."""
        return all(one.outcome is not Outcome.PROBLEM for one in self.stages)


async def check_target(
    target: RunningTarget, parameters: Parameters, http: httpx.AsyncClient, redactor: Redactor
) -> Checked:
    """Walk a running target; what is told of it has passed the redactor."""
    async with _walk(target, http, redactor) as walk:
        await walk.stage("health", walk.health)
        await walk.stage("account", walk.account)
        await walk.stage("log in", walk.log_in)
        await walk.stage("conversation", walk.conversation, after="log in")
        await walk.stage("validators", walk.validators, after="log in")
        if target.description.websocket is None:
            walk.stages.append(Stage("connect", Outcome.NOT_STATED, "websocket"))
        else:
            await walk.stage("connect", walk.connect, after="log in")
            await walk.stage("ping", walk.ping, after="connect")
            await walk.stage("ask", walk.ask, after="connect")
            await walk.stage("answer", walk.read_answer, after="ask")
        await walk.stage("read back", walk.read_back, after="log in")
        if target.description.websocket is not None:
            await walk.stage("resume", walk.resume, after="connect")
        await walk.stage("refresh", walk.refresh, after="log in")
        await walk.stage("log out", walk.log_out, after="log in")
        table = tuple(_fit(walk, one, parameters) for one in select(()))
        return Checked(
            tuple(walk.stages),
            table,
            unmentioned(target.description, walk.recorder.history),
            walk.guest.counted(),
        )


def _fit(walk: Walk, case: Any, parameters: Parameters) -> Fitness:
    found = fitness(case, walk.target, parameters)
    broken = next(
        (one for one in walk.stages if one.name in _NEEDED and one.outcome is Outcome.PROBLEM), None
    )
    if broken is None or not found.can_be_judged:
        return found
    return replace(found, reasons=(f"{broken.name} did not work here: {broken.detail}",))


_NEEDED = ("account", "log in", "connect")
"""Without these no case gets anywhere."""


@asynccontextmanager
async def _walk(
    target: RunningTarget, http: httpx.AsyncClient, redactor: Redactor
) -> AsyncIterator[Walk]:
    guest = Guest(target.limits)
    person = new_person(0, random.Random(random.SystemRandom().getrandbits(64)))
    async with Supervisor("target check") as supervisor:
        with Recorder(None, redactor) as recorder:
            probe = HttpProbe(recorder, http, guest)
            client = Client(target, recorder, probe, guest, supervisor)
            try:
                yield Walk(target, client, recorder, guest, person)
            finally:
                await client.leave()
