"""``golden-path run``: the cases of one or more environments through their notebooks."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from gp_helpers.cli.counts import positive_int
from gp_helpers.cli.places import notebooks_folder
from gp_helpers.cli.progress import Progress
from gp_helpers.cli.selecting import Selected, environments, selected, twin
from gp_helpers.cli.tables import print_comparison, print_run, print_secrets
from gp_helpers.cloud_run import spare_what_is_there
from gp_helpers.evidence import (
    EvidenceError,
    ExitStatus,
    Finalised,
    HeadStart,
    RunFolder,
    compare,
    finalise,
)
from gp_helpers.evidence.folder import CONTRASTS_VARIABLE, RUN_VARIABLE
from gp_helpers.execution import ExecutionError, ExitReason, NotebookJob, NotebookResult, execute
from gp_helpers.parameters import (
    DeploymentTarget,
    Expectation,
    ParameterError,
)
from gp_helpers.plan import SUITES
from gp_helpers.targets.opening import preloaded_for

SECONDS_A_CASE = 30.0
"""What a case with its contrast may take in a notebook before the deadline counts it as hung."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument(
        "--env",
        action="append",
        metavar="NAME",
        help="a name in parameters/, or a path; may be repeated (default as_reported)",
    )
    parser.add_argument("--suite", action="append", default=[], metavar="NAME")
    parser.add_argument("--case", action="append", default=[], metavar="ID")
    wiring = parser.add_mutually_exclusive_group()
    wiring.add_argument(
        "--defect", action="append", default=[], metavar="ID", help="exactly these defects are on"
    )
    wiring.add_argument("--wiring", choices=("as_reported", "remediated", "all_defects"))
    parser.add_argument("--isolation", choices=("process", "thread"))
    parser.add_argument("--seed", type=int)
    parser.add_argument("--trials", type=positive_int)
    parser.add_argument("--users", type=positive_int, help="concurrent users")
    parser.add_argument(
        "--expect",
        choices=[*(one.value for one in Expectation), "remediated"],
        help="what is expected; 'remediated' is --env remediated with every case passing",
    )
    parser.add_argument(
        "--jobs", type=positive_int, default=4, help="notebooks side by side (default 4)"
    )
    kernels = parser.add_mutually_exclusive_group()
    kernels.add_argument("--warm", action="store_true", default=True, help="warm kernels (default)")
    kernels.add_argument("--cold", dest="warm", action="store_false", help="stock kernels")
    parser.add_argument("--outputs", type=Path, default=Path("outputs"), help="where runs go")
    parser.add_argument("--run-id", help="name of the run's folder, for a single environment")
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument("--quiet", action="store_true", help="no progress")
    shown.add_argument("--json", action="store_true", help="the verdicts as JSON, for scripts")


def run(options: argparse.Namespace) -> ExitStatus:
    """Run, finalise, print, and exit by the recorded verdicts."""
    chosen = [selected(name, options) for name in environments(options)]
    if options.run_id is not None and len(chosen) > 1:
        raise ParameterError("--run-id", ["names one folder; give one --env with it"])
    began = time.perf_counter()
    try:
        finished, interrupted = _run_all(chosen, options)
    except ExecutionError as error:
        print(error, file=sys.stderr)
        return ExitStatus.BROKEN
    except EvidenceError as error:
        print(error, file=sys.stderr)
        return ExitStatus.USAGE
    _print(finished, options, time.perf_counter() - began)
    return ExitStatus.INTERRUPTED if interrupted else _worst(one.status for one in finished)


_WORST_FIRST = (
    ExitStatus.INTERRUPTED,
    ExitStatus.BROKEN,
    ExitStatus.USAGE,
    ExitStatus.NOT_MET,
    ExitStatus.INCONCLUSIVE,
)


def _worst(statuses: Any) -> ExitStatus:
    seen = set(statuses)
    return next((status for status in _WORST_FIRST if status in seen), ExitStatus.MET)


def _run_all(
    chosen: Sequence[Selected], options: argparse.Namespace
) -> tuple[list[Finalised], bool]:
    """Make the run folders, execute every notebook side by side, and finalise what there is."""
    with ExitStack() as owned:
        runs = [
            owned.enter_context(
                RunFolder.create(
                    options.outputs,
                    one.parameters,
                    environment=one.name,
                    run_id=options.run_id,
                    selected=[case.id for case in one.cases],
                )
            )
            for one in chosen
        ]
        jobs = _in_order(chosen, runs)
        finishing = _Finishing(runs, jobs)
        spare_what_is_there()
        quiet = options.quiet or options.json
        with Progress(jobs, enabled=not quiet) as progress:
            results = asyncio.run(
                execute(
                    jobs,
                    concurrency=_side_by_side(chosen, options.jobs),
                    warm=options.warm,
                    services=_services(chosen),
                    progress=progress.take,
                    ended=finishing.take,
                )
            )
        interrupted = any(one.exit_reason is ExitReason.INTERRUPTED for one in results)
        finished = [
            finishing.finished.get(run.path)
            or finalise(
                run,
                reason=_why_partial(run, results),
                interrupted=interrupted,
                head_start=finishing.head_start,
            )
            for run in runs
        ]
    return finished, interrupted


class _Finishing:
    """What can be done while other notebooks still run, and a run whose notebooks have ended."""

    def __init__(self, runs: Sequence[RunFolder], jobs: Sequence[NotebookJob]) -> None:
        self._runs = {run.path: run for run in runs}
        self._expected = Counter(job.destination.parent for job in jobs)
        self._results: dict[Path, list[NotebookResult]] = {run.path: [] for run in runs}
        self._one_at_a_time = threading.Lock()
        self.head_start = HeadStart()
        self.finished: dict[Path, Finalised] = {}

    def take(self, result: NotebookResult) -> None:
        """Take note of a notebook that ended; what fails here is tried again at the very end."""
        path = result.job.destination
        run = self._runs[path.parent]
        with self._one_at_a_time, suppress(ValueError, EvidenceError):
            self.head_start.take(run, path, result.job.parameters["cases"])
        with self._one_at_a_time, suppress(EvidenceError):
            results = self._results[run.path]
            results.append(result)
            is_whole = len(results) == self._expected[run.path]
            if is_whole and all(one.exit_reason is not ExitReason.INTERRUPTED for one in results):
                reason = _why_partial(run, results)
                self.finished[run.path] = finalise(run, reason=reason, head_start=self.head_start)


def _side_by_side(chosen: Sequence[Selected], jobs: int) -> int:
    """How many notebooks at once: one for guests, who may have so many users at a time in all."""
    is_guest = any(isinstance(one.parameters.target, DeploymentTarget) for one in chosen)
    return 1 if is_guest else jobs


def _services(chosen: Sequence[Selected]) -> Sequence[str]:
    """What the parent of all platforms' processes imports, where any are started as processes."""
    return list(dict.fromkeys(n for one in chosen for n in preloaded_for(one.parameters.target)))


def _in_order(chosen: Sequence[Selected], runs: Sequence[RunFolder]) -> list[NotebookJob]:
    """Every notebook; those whose trials are the contrasts of others begin first.

    Within a run the last suites take longest, and what begins first ends first.
    """
    folders = {one.name: run.path for one, run in zip(chosen, runs, strict=True)}
    pairs = [(one, run, twin(one, chosen)) for one, run in zip(chosen, runs, strict=True)]
    pairs.sort(key=lambda pair: pair[2] is not None)
    return [
        job
        for one, run, beside in pairs
        for job in reversed(_jobs(one, run, folders[beside] if beside is not None else None))
    ]


def _jobs(one: Selected, run: RunFolder, contrasts: Path | None) -> list[NotebookJob]:
    """A notebook for each suite that has a selected case, in the plan's order."""
    # Stated in any case: a kernel has its runner's environment.
    lent = "" if contrasts is None else str(contrasts.resolve())
    jobs = []
    for suite, info in SUITES.items():
        cases = [case.id for case in one.cases if case.suite is suite]
        if not cases:
            continue
        parameters = one.parameters.as_json() | {"cases": cases}
        jobs.append(
            NotebookJob(
                notebooks_folder() / f"{info.notebook}.ipynb",
                run.notebook_path(info.notebook),
                parameters,
                {RUN_VARIABLE: str(run.path.resolve()), CONTRASTS_VARIABLE: lent},
                SECONDS_A_CASE * len(cases) * (1 + one.parameters.trials),
                Path.cwd(),
            )
        )
    return jobs


def _why_partial(run: RunFolder, results: Sequence[NotebookResult]) -> str | None:
    """Why a run did not come to its end: notebooks that ended before their last cell.

    A notebook that failed in its last cell enforced its expectation, and is complete.
    """
    reasons: dict[str, list[str]] = {}
    for result in results:
        if result.job.destination.parent != run.path or result.is_complete:
            continue
        ended_last = bool(result.cells) and result.cells[-1].outcome.value in (
            "failed",
            "completed",
        )
        if result.exit_reason is ExitReason.FAILED and ended_last:
            continue
        last_line = (result.detail.strip() or "no reason is known").splitlines()[-1]
        why = f"{result.exit_reason.value.replace('_', ' ')}: {last_line}"
        reasons.setdefault(why, []).append(result.job.source.name)
    return "; ".join(f"{', '.join(names)} {why}" for why, names in reasons.items()) or None


def _print(finished: Sequence[Finalised], options: argparse.Namespace, seconds: float) -> None:
    if options.json:
        print(json.dumps([dict(one.verdicts) for one in finished], indent=2))
        return
    if len(finished) == 2:
        print_comparison(compare(finished[0].path, finished[1].path))
    for one in finished:
        if len(finished) != 2:
            print_run(one.verdicts)
        for problem in one.problems:
            print(f"not made: {problem}")
        print_secrets(one.scan)
    for one in finished:
        print(f"evidence  {os.path.relpath(one.index)}  digest {one.digest}")
    print(f"{seconds:.1f} s")
