"""A trial: one run of a case's steps, with fresh users and its own seed, on one running target.

`open_trial` gives a trial whose steps can be taken one by one, as a notebook does; `take_all` takes
them all, unattended, with the same code.
"""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from random import Random
from typing import Any

import httpx

from gp_helpers.cases.components import checks_on
from gp_helpers.cases.steps import CannotGoOn, Case, Shown, Step, case_class
from gp_helpers.checkers import Verdict, judge
from gp_helpers.history import Entry, Kind, Recorder, Redactor
from gp_helpers.parameters import Parameters
from gp_helpers.parameters.templates import UnknownPlaceholderError
from gp_helpers.probes import (
    Client,
    Guest,
    HttpProbe,
    LimitReachedError,
    NotDescribedError,
    Person,
    Supervisor,
    new_person,
    silence,
)
from gp_helpers.targets.running import RunningTarget, TargetKind, Unavailable

LEDGER = "guest.json"
"""In a run's folder: what all its processes did to a target in which they are guests."""
POLL_S = 0.003
"""Pause between two questions to the platform."""


class Role(StrEnum):
    """What a trial is for."""

    TRIAL = "trial"
    CONTRAST = "contrast"
    """The same steps, same seed, on the remediated wiring; it carries no verdict of its own."""


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

    async def silence(self, *, timeout_s: float = 5.0) -> Entry:
        """Record that nothing more is on its way."""
        return await silence(self.client, timeout_s=timeout_s)

    async def until(
        self, condition: Callable[[], Awaitable[bool]], *, timeout_s: float, awaited: str
    ) -> bool:
        """Ask the platform until it says yes; False, and a timeout on record, if it does not."""
        timeout_s = self.client.guest.bounded(timeout_s)
        try:
            async with asyncio.timeout(timeout_s):
                while not await condition():  # noqa: ASYNC110 - the platform does not tell us
                    await asyncio.sleep(POLL_S)
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


class PlatformBrokeError(Exception):
    """Services of our own platform ended unasked; what was observed says nothing of a case."""

    def __init__(self, services: Sequence[str]) -> None:
        super().__init__(f"the embedded platform broke: {', '.join(services)} ended unasked")


@dataclass
class OpenTrial:
    """A trial whose steps can be taken one by one."""

    trial: Trial
    case: Case
    role: Role
    guest: Guest
    taken: list[str]
    is_over: bool = False
    stopped: str | None = None
    """Why no further step can be taken, once the platform left nothing to go on with."""

    async def take(self, step: Step) -> Shown:
        """Take one step and record its beginning and end; re-raises what broke.

        After a step that could not go on, the others are recorded as not taken.
        """
        recorder = self.trial.recorder
        recorder.step = step.name
        recorder.add(Kind.STEP_STARTED, "lab", step.name)
        began = time.perf_counter()
        outcome, error = "completed", None
        try:
            if self.stopped is not None:
                outcome = "not_taken"
                return Shown(f"Not taken: {self.stopped}")
            for ability in step.needs:
                self.trial.target.require(ability)
            return await step.method(self.case)
        except Unavailable as lacking:
            outcome = "unavailable"
            recorder.add(
                Kind.UNAVAILABLE, "lab", lacking.ability.value, ability=lacking.ability.value,
                reason=lacking.reason,
            )  # fmt: skip
            return Shown(f"Not possible here: {lacking}")
        except (NotDescribedError, LimitReachedError, UnknownPlaceholderError) as lacking:
            outcome = "unavailable"
            recorder.add(Kind.UNAVAILABLE, "lab", "", ability="", reason=str(lacking))
            return Shown(f"Not possible here: {lacking}")
        except CannotGoOn as why:
            outcome, error = "stopped", str(why)
            self.stopped = str(why)
            return Shown(f"The platform leaves nothing to go on with: {why}")
        except asyncio.CancelledError:
            outcome = "interrupted"
            raise
        except Exception as broke:
            outcome, error = "failed", f"{type(broke).__name__}: {broke}"
            raise
        finally:
            broken = () if outcome == "interrupted" else self.trial.target.ended_unasked()
            if broken:
                outcome, error = "platform_ended", str(PlatformBrokeError(broken))
            recorder.add(
                Kind.STEP_ENDED,
                "lab",
                step.name,
                outcome=outcome,
                error=error,
                seconds=round(time.perf_counter() - began, 4),
            )
            recorder.step = ""
            self.taken.append(step.name)
            if broken:
                raise PlatformBrokeError(broken)

    def end(self, outcome: str = "completed", error: str | None = None) -> None:
        """Record the end of the trial, once."""
        if not self.is_over:
            self.is_over = True
            recorder = self.trial.recorder
            if self.guest.limits is not None:
                recorder.add(Kind.MEASURED, "lab", "guest", **self.guest.counted())
            recorder.add(Kind.TRIAL_ENDED, "lab", outcome=outcome, error=error)
            recorder.seal()

    @property
    def verdict(self) -> Verdict:
        """The verdict of what was recorded so far."""
        return judge(self.trial.recorder.history)


@asynccontextmanager
async def open_trial(
    case_id: str,
    target: RunningTarget,
    *,
    parameters: Parameters,
    http: httpx.AsyncClient,
    path: Path | None,
    role: Role = Role.TRIAL,
    number: int = 1,
    guest: Guest | None = None,
    about: Mapping[str, Any] | None = None,
    redactor: Redactor | None = None,
) -> AsyncIterator[OpenTrial]:
    """Open a trial on a running target; its sockets and history end with the context.

    ``about`` goes into the header (wiring, isolation); the checker does not look at it. Trial N
    uses seed + N - 1, the contrast of a trial the same. ``redactor`` may know secrets already.
    """
    cls = case_class(case_id)
    seed = parameters.seed + number - 1
    source = random.Random(f"{case_id}/{seed}")
    outlives_us = target.kind is TargetKind.DEPLOYMENT
    fresh = random.SystemRandom() if outlives_us else source
    redactor = redactor or Redactor(pseudonymise=target.kind is TargetKind.DEPLOYMENT)
    if guest is None:
        shared = path is not None and target.limits is not None
        guest = Guest(target.limits, path.parent.parent / LEDGER if shared and path else None)
    async with Supervisor(f"{case_id} {role} {number}") as supervisor:
        with Recorder(path, redactor) as recorder:
            recorder.start(
                case=case_id,
                role=role.value,
                trial=number,
                seed=seed,
                target=target.name,
                kind=target.kind.value,
                lacking={ability.value: reason for ability, reason in target.lacking.items()},
                optional_claims=list(cls.optional_on(target)),
                components=[list(owed) for owed in checks_on(target)],
                thresholds={name: parameters.threshold(name) for name in cls.info().thresholds},
                concurrent_users=parameters.concurrent_users,
                events=_described_events(target),
                answer_rules=_answer_rules(target),
                wall=datetime.now(UTC).isoformat(),
                **(about or {}),
            )
            probe = HttpProbe(recorder, http, guest)
            client = Client(target, recorder, probe, guest, supervisor, SeededIds(fresh))
            trial = Trial(
                case_id,
                number,
                seed,
                parameters,
                target,
                recorder,
                client,
                supervisor,
                source,
                fresh,
            )
            opened = OpenTrial(trial, cls(trial), role, guest, [])
            try:
                yield opened
            except BaseException as error:
                interrupted = isinstance(error, asyncio.CancelledError | KeyboardInterrupt)
                opened.end(
                    "interrupted" if interrupted else "failed", f"{type(error).__name__}: {error}"
                )
                raise
            finally:
                opened.end()
                await supervisor.close()
                await client.leave()


def _described_events(target: RunningTarget) -> list[str]:
    """The events that a platform has, in its own order."""
    websocket = target.description.websocket
    return [] if websocket is None else list(websocket.rules)


def _answer_rules(target: RunningTarget) -> dict[str, Any] | None:
    """What answers are held against; None where the user's own figures can be read."""
    description = target.description
    if description.billing is not None:
        return None
    return {
        "least_characters": description.least_answer_characters,
        "facts": list(description.facts),
        "judge": description.judge.model if description.judge is not None else None,
    }


async def take_all(opened: OpenTrial) -> Verdict:
    """Take every step in order and give the verdict; a step that breaks ends the trial."""
    try:
        for step in opened.case.steps():
            await opened.take(step)
    except Exception as error:
        opened.end("failed", f"{type(error).__name__}: {error}")
    else:
        opened.end()
    return opened.verdict
