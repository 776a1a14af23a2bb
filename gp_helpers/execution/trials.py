"""Unattended trials without a notebook: the same steps, the same code, as often as asked for.

Each trial gets a platform of its own, so that trials are independent of each other.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from gp_helpers.cases import Role, case_class, open_trial, take_all
from gp_helpers.checkers import Outcome, Verdict
from gp_helpers.cloud_run import CloudRunError, spare_what_is_there
from gp_helpers.evidence import ServiceLogs, redactor_for, stated_secrets
from gp_helpers.history import History
from gp_helpers.parameters import DeploymentTarget, EmbeddedTarget, Parameters
from gp_helpers.targets import NotStartedError, open_target, prepare, runs_as_processes


@dataclass(frozen=True, slots=True)
class Plan:
    """What is run how often: a case, its parameters, and the defects that are on."""

    case_id: str
    parameters: Parameters
    defects: frozenset[str]
    first: int
    """Number of the first trial; trial N uses seed + N - 1."""
    count: int
    keep: Path | None = None
    """Folder for histories and logs; None keeps neither."""
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Those of the parameters as they were written, whose references are resolved here."""


@dataclass(frozen=True, slots=True)
class TrialResult:
    """What one trial showed, and how long it took, its platform's start and stop included."""

    case_id: str
    number: int
    verdict: Verdict
    seconds: float


def defects_for(parameters: Parameters, case_id: str) -> frozenset[str]:
    """The defects with which a case runs; none on a platform that is not ours."""
    if not isinstance(parameters.target, EmbeddedTarget):
        return frozenset()
    from gp_helpers.targets.defects_on import defects_on

    return defects_on(parameters.target, case_id)


async def run_trial(
    plan: Plan, number: int, *, role: Role = Role.TRIAL
) -> tuple[TrialResult, History]:
    """Run one trial on a platform of its own; what breaks in the workbook is an ``error``."""
    began = time.perf_counter()
    history = History(())
    case = case_class(plan.case_id)
    with ExitStack() as stack:
        folder = plan.keep
        if folder is None:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="golden-path-")))
        name = f"{plan.case_id}.{role.value}.{number}"
        secrets = plan.secrets or stated_secrets(plan.parameters.as_json())
        redactor = redactor_for(plan.parameters.target, secrets)
        logs = ServiceLogs(plan.parameters.target, folder / "logs" / name, redactor)
        if plan.keep is not None:
            stack.callback(logs.publish)
        try:
            async with open_target(
                plan.parameters.target,
                defects=plan.defects,
                arrangement=case.arranged(plan.parameters),
                folder=logs.written_to,
            ) as target:
                async with open_trial(
                    plan.case_id,
                    target,
                    parameters=plan.parameters,
                    path=folder / "histories" / f"{name}.jsonl" if plan.keep else None,
                    role=role,
                    number=number,
                    about={"defects": sorted(plan.defects)},
                    redactor=redactor,
                ) as opened:
                    verdict = await take_all(opened)
                history = opened.trial.recorder.history
        except NotStartedError as error:
            told = f"nothing could be observed: {redactor.text(str(error))}"
            verdict = Verdict(plan.case_id, Outcome.INCONCLUSIVE, told)
        except CloudRunError as error:
            verdict = Verdict(plan.case_id, Outcome.ERROR, f"{type(error).__name__}: {error}")
    seconds = time.perf_counter() - began
    return TrialResult(plan.case_id, number, verdict, seconds), history


async def run_plan(
    plan: Plan, progress: Callable[[TrialResult], None] | None = None
) -> list[TrialResult]:
    """Run the trials of a plan one after the other."""
    results = []
    for number in range(plan.first, plan.first + plan.count):
        result, _ = await run_trial(plan, number)
        results.append(result)
        if progress is not None:
            progress(result)
    return results


def _run_in_process(plan: Plan) -> list[TrialResult]:
    return asyncio.run(run_plan(plan))


def run_plans(
    plans: Iterable[Plan], *, jobs: int, progress: Callable[[TrialResult], None] | None = None
) -> list[TrialResult]:
    """Run many plans side by side in ``jobs`` processes; the results in the order of the plans."""
    plans = list(plans)
    results: list[TrialResult] = []
    for target in {id(plan.parameters): plan.parameters.target for plan in plans}.values():
        if not runs_as_processes(target):
            prepare(target)  # once, before the pool is forked
    with (
        TemporaryDirectory(prefix="golden-path-") as shared,
        ProcessPoolExecutor(max_workers=jobs, initializer=spare_what_is_there) as pool,
    ):
        budgeted = [_within_one_budget(plan, Path(shared)) for plan in plans]
        chunks = [chunk for plan in budgeted for chunk in _chunks(plan)]
        for found in pool.map(_run_in_process, chunks):
            results += found
            if progress is not None:
                for result in found:
                    progress(result)
    return results


def _within_one_budget(plan: Plan, shared: Path) -> Plan:
    """The plan; as a guest, with a folder in which all processes count what they spend."""
    if plan.keep is not None or not isinstance(plan.parameters.target, DeploymentTarget):
        return plan
    return replace(plan, keep=shared)


_CHUNK = 10


def _chunks(plan: Plan) -> Sequence[Plan]:
    """A plan in pieces that are short enough to be spread over processes."""
    return [
        replace(plan, first=first, count=min(_CHUNK, plan.first + plan.count - first))
        for first in range(plan.first, plan.first + plan.count, _CHUNK)
    ]
