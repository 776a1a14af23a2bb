"""A trial from its beginning to its end: one run of a case's steps on one running target.

`open_trial` gives a trial whose steps can be taken one by one, as a notebook does; `take_all` takes
them all, unattended, with the same code.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from gp_helpers.cases.components import checks_on, record_component
from gp_helpers.cases.fitness import fitness
from gp_helpers.cases.steps import CannotGoOn, Case, Shown, Step, case_class
from gp_helpers.cases.trial import SeededIds, Trial
from gp_helpers.checkers import Verdict, judge
from gp_helpers.checkers.component_checks import RUNS
from gp_helpers.cloud_run.errors import CUT_OFF, HostClosedError
from gp_helpers.history import Kind, Recorder, Redactor
from gp_helpers.parameters import Parameters
from gp_helpers.parameters.templates import UnknownPlaceholderError
from gp_helpers.probes import (
    Client,
    Guest,
    HttpProbe,
    LimitReachedError,
    NotDescribedError,
    Supervisor,
    new_client,
)
from gp_helpers.targets.running import NotStartedError, RunningTarget, TargetKind, Unavailable
from gp_helpers.targets.tls import verification

LEDGER = "guest.json"
"""In a run's folder: what all its processes did to a target in which they are guests."""


class Role(StrEnum):
    """What a trial is for."""

    TRIAL = "trial"
    CONTRAST = "contrast"
    """The same steps, same seed, on the remediated wiring; it carries no verdict of its own."""


class PlatformBrokeError(Exception):
    """Services of our own ended unasked; what was observed says nothing of a case."""

    def __init__(self, services: Sequence[str]) -> None:
        super().__init__(f"the workbook's own services broke: {', '.join(services)} ended unasked")


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
    down: set[str] = field(default_factory=set)
    """The user's applications that were found to have ended, or not to start again."""

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
            return await self._act(step)
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
        except (CannotGoOn, NotStartedError) as why:
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
            is_cut_off = self.trial.target.is_cut_off()
            is_whole = outcome != "interrupted" and not is_cut_off
            broken = self.trial.target.ended_unasked() if is_whole else ()
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
            if is_cut_off:
                raise HostClosedError(CUT_OFF)
            if broken:
                raise PlatformBrokeError(broken)

    async def _act(self, step: Step) -> Shown:
        """Take a step, and record which of the user's applications went down meanwhile."""
        try:
            for ability in step.needs:
                self.trial.target.require(ability)
            shown = await step.method(self.case)
        except NotStartedError as down:
            self._record_down(down.name, f"{down.name} does not come back: {down.reason}")
            await self._record_ended()
            raise
        except Exception:
            await self._record_ended()
            raise
        await self._record_ended()
        return shown

    async def _record_ended(self) -> None:
        for name, how in (await self.trial.target.applications_ended()).items():
            if name not in self.down:
                self._record_down(name, f"{name} ended unasked: {how}")

    def _record_down(self, name: str, detail: str) -> None:
        self.down.add(name)
        record_component(self.trial, name, RUNS, False, detail)

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
    async with (
        new_client(verify=verification(parameters.target)) as http,
        Supervisor(f"{case_id} {role} {number}") as supervisor,
    ):
        with Recorder(path, redactor, is_cut_off=target.is_cut_off) as recorder:
            recorder.start(
                case=case_id,
                role=role.value,
                trial=number,
                seed=seed,
                target=target.name,
                kind=target.kind.value,
                lacking={ability.value: reason for ability, reason in target.lacking.items()},
                optional_claims=list(cls.optional_on(target)),
                unfit=list(fitness(cls.info(), target, parameters).reasons),
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
