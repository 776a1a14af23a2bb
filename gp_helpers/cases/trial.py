"""What the steps of a case hold in their hand: the target, people, a recorder, questions to ask."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from gp_helpers.cases.steps import CannotGoOn
from gp_helpers.history import Entry, Kind, Recorder
from gp_helpers.parameters import Parameters
from gp_helpers.probes import (
    Client,
    Person,
    Supervisor,
    new_person,
    silence,
)
from gp_helpers.targets.running import RunningTarget, TargetKind

_FIRST_PAUSE_S = 0.003
_LONGEST_PAUSE_S = 0.02
"""Between two questions to the platform; each takes from it what it needs to get there."""


class SeededIds:
    """Ids from the trial's own randomness: the same seed sends the same ids to a fresh platform."""

    def __init__(self, source: random.Random) -> None:
        self._source = source

    def uuid4(self) -> uuid.UUID:
        """A random UUID of version 4."""
        return uuid.UUID(int=self._source.getrandbits(128), version=4)


@dataclass
class Trial:
    """What the steps of a case hold in their hand."""

    case_id: str
    number: int
    seed: int
    parameters: Parameters
    target: RunningTarget
    recorder: Recorder
    client: Client
    supervisor: Supervisor
    random: random.Random
    fresh: Random
    """What users are made from: on a platform that outlives the trial, nothing comes twice."""
    _people: int = 0
    _texts: dict[str, int] = field(default_factory=dict)
    """The cases' own questions, numbered as they come."""

    @property
    def is_ours(self) -> bool:
        """Whether the embedded platform is the target."""
        return self.target.kind is TargetKind.EMBEDDED

    @property
    def controls(self) -> Any:
        """The target's controls; a step that uses one states the ability that it needs."""
        return self.target.controls

    def threshold(self, name: str) -> float:
        """The limit that applies."""
        return self.parameters.threshold(name)

    async def person(self, label: str | None = None, *, log_in: bool = True) -> Person:
        """A fresh person, registered and logged in; a stated label stands outside the count."""
        made = new_person(self._people, self.fresh)
        if label is None:
            self._people += 1
        else:
            made.label = label
        await self.client.register(made)
        if log_in:
            await self.client.log_in(made)
        return made

    async def people(self, count: int) -> list[Person]:
        """Fresh people, registered and logged in, side by side."""
        return list(await asyncio.gather(*(self.person() for _ in range(count))))

    def worded(self, person: Person, text: str) -> str:
        """A question as this target is asked it: its own words for ours, where it states some.

        Elsewhere than on the embedded platform, whose data has it, the person's canary goes along.
        """
        if self.is_ours:
            return text
        stated = self.target.description.questions
        if not stated:
            return f"{text} (My reference is {person.canary}.)"
        number = self._texts.setdefault(text, len(self._texts))
        return str(self.client.filled(person, stated[number % len(stated)]))

    async def an_instance(self) -> str:
        """The name of a backend instance that runs; raises `CannotGoOn` if none does."""
        for name in await self.controls.instances():
            return str(name)
        raise CannotGoOn("no instance of the backend runs any more")

    async def silence(self, *, timeout_s: float = 5.0) -> Entry:
        """Record that nothing more is on its way."""
        return await silence(self.client, timeout_s=timeout_s)

    async def until(
        self, condition: Callable[[], Awaitable[bool]], *, timeout_s: float, awaited: str
    ) -> bool:
        """Ask the platform until it says yes; False, and a timeout on record, if it does not."""
        timeout_s = self.client.guest.bounded(timeout_s)
        pause_s = _FIRST_PAUSE_S
        try:
            async with asyncio.timeout(timeout_s):
                while not await condition():
                    await asyncio.sleep(pause_s)
                    pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        except TimeoutError:
            self.recorder.add(
                Kind.TIMEOUT, "lab", awaited=awaited, seconds=timeout_s, definite=False
            )
            return False
        return True

    def expect(self, about: str, **known: Any) -> Entry:
        """Record something that the case knows to be right."""
        return self.recorder.add(Kind.EXPECTED, "lab", about, about=about, **known)

    def measured(self, quantity: str, value: float, unit: str, **more: Any) -> Entry:
        """Record a number that was measured."""
        return self.recorder.add(
            Kind.MEASURED, "lab", quantity, quantity=quantity, value=value, unit=unit, **more
        )

    def control(self, what: str, **more: Any) -> Entry:
        """Record something that is done to the platform."""
        return self.recorder.add(Kind.CONTROL, "lab", what, what=what, **more)

    async def reading(self, service: str, **more: Any) -> Mapping[str, Any]:
        """Read and record a service's diagnostics."""
        state: Mapping[str, Any] = await self.controls.state(service)
        self.recorder.add(Kind.READING, "lab", service, **{**state, **more})
        return state
