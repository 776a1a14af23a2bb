"""The real five notebooks: through stock papermill, through `golden-path run`, and as a script.

    python -m benchmarks [--env as_reported --env remediated] [--suite NAME ...] [--rounds 3]

Stock papermill runs them one after the other, a command each, as it is called without options; and
then as many commands at once as the runner runs notebooks, told not to write the notebook twice a
cell (`--no-request-save-on-cell-execute`). `golden-path run` runs them side by side, with stock
kernels (cold) and with warm ones. The script makes the same trials, contrasts included, without a
notebook: one suite after the other, and as many at once as the runner does; its histories are
judged and kept, no report is made. Stock papermill is held against the former, which takes all
contrasts itself; `golden-path run` against the latter, where both take those of `as_reported` from
`remediated`. Processor time is that of all processes that were waited for.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmarks.commands import run_quietly
from benchmarks.ways import Way, measure, report
from gp_helpers.cli.places import notebooks_folder
from gp_helpers.execution.trials import Plan, defects_for, run_trial
from gp_helpers.parameters import EmbeddedTarget, Parameters, load
from gp_helpers.plan import SUITES, Suite, cases_of

ENVIRONMENTS = ("as_reported", "remediated")
_STATUSES = (0, 1, 2)
"""Whether expectations were met, not met or stayed undecided: measured all the same."""


def _stock(
    environments: Sequence[str],
    suites: Sequence[Suite],
    at_once: int,
    options: Sequence[str],
    folder: Path,
) -> None:
    def command(environment: str, suite: Suite) -> list[str]:
        parameters = notebooks_folder().parent / "parameters" / f"{environment}.yaml"
        notebook = f"{SUITES[suite].notebook}.ipynb"
        return [
            *(sys.executable, "-m", "papermill", "--no-progress-bar", *options),
            *("-f", str(parameters)),
            *(str(notebooks_folder() / notebook), str(folder / f"{environment}_{notebook}")),
        ]

    run_quietly(
        *(command(environment, suite) for environment in environments for suite in suites),
        at_once=at_once,
        environ={"GOLDEN_PATH_OUTPUTS": str(folder / "outputs")},
        allowed=_STATUSES,
    )


def _ours(
    environments: Sequence[str], suites: Sequence[Suite], jobs: int, kind: str, folder: Path
) -> None:
    run_quietly(
        [
            *(sys.executable, "-m", "gp_helpers.cli.main", "run", "--quiet", f"--{kind}"),
            *("--jobs", str(jobs), "--outputs", str(folder / "outputs")),
            *(word for name in environments for word in ("--env", name)),
            *(word for suite in suites for word in ("--suite", suite.value)),
        ],
        allowed=_STATUSES,
    )


def _script(environments: Sequence[str], suites: Sequence[Suite], jobs: int, folder: Path) -> None:
    run_quietly(
        [
            *(sys.executable, "-m", "benchmarks.suites", "--as-script", str(folder)),
            *("--jobs", str(jobs), *(["--borrow"] if jobs > 1 else [])),
            *(word for name in environments for word in ("--env", name)),
            *(word for suite in suites for word in ("--suite", suite.value)),
        ]
    )


async def trials_of(parameters: Parameters, suite: Suite, folder: Path, *, borrows: bool) -> None:
    """What a suite's notebook does: a trial of each case, and its contrast if it takes one.

    ``borrows``: the contrasts are the trials of the remediated environment beside.
    """
    target = parameters.target
    for case in cases_of(suite):
        defects = defects_for(parameters, case.id)
        for trial in range(1, parameters.trials + 1):
            plan = Plan(case.id, parameters, defects, trial, 1, folder)
            await run_trial(plan, trial)
        if isinstance(target, EmbeddedTarget) and target.wiring != "remediated" and not borrows:
            remediated = parameters.model_copy(
                update={"target": target.model_copy(update={"wiring": "remediated"})}
            )
            plan = Plan(case.id, remediated, frozenset(), 1, 1, folder / "contrasts")
            await run_trial(plan, 1)


async def as_script(
    environments: Sequence[str], suites: Sequence[Suite], jobs: int, folder: Path, *, borrows: bool
) -> None:
    """The trials of these suites, as many suites at once as there are jobs."""
    turn = asyncio.Semaphore(jobs)

    async def one(environment: str, suite: Suite) -> None:
        async with turn:
            parameters = load(environment)
            await trials_of(parameters, suite, folder / environment, borrows=borrows)

    async with asyncio.TaskGroup() as group:
        for environment in environments:
            for suite in suites:
                group.create_task(one(environment, suite))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--env", action="append", default=[], help="default: both of `make run`")
    parser.add_argument("--suite", action="append", default=[], choices=[*Suite], type=Suite)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--jobs", type=int, default=4, help="as `golden-path run --jobs` (default 4)"
    )
    parser.add_argument("--as-script", type=Path, metavar="FOLDER", help=argparse.SUPPRESS)
    parser.add_argument("--borrow", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    environments = asked.env or list(ENVIRONMENTS)
    suites = asked.suite or list(Suite)
    if asked.as_script is not None:
        borrows = asked.borrow and "remediated" in environments
        asyncio.run(as_script(environments, suites, asked.jobs, asked.as_script, borrows=borrows))
        return 0
    jobs = asked.jobs
    one_by_one, at_once = "script, one suite after the other", f"script, {jobs} suites at once"
    stock, at_its_end = "stock papermill, one by one", ["--no-request-save-on-cell-execute"]
    stock_at_once = f"stock papermill, {jobs} at once"
    ours = {kind: f"golden-path run, {kind}, {jobs} jobs" for kind in ("cold", "warm")}
    ways = [
        Way(stock, partial(_stock, environments, suites, 1, [])),
        Way(stock_at_once, partial(_stock, environments, suites, jobs, at_its_end)),
        *(
            Way(name, partial(_ours, environments, suites, jobs, kind))
            for kind, name in ours.items()
        ),
        Way(one_by_one, partial(_script, environments, suites, 1)),
        Way(at_once, partial(_script, environments, suites, jobs)),
    ]
    executions = len(environments) * len(suites)
    print(
        f"{executions} notebooks ({', '.join(environments)}; {', '.join(suites)}), "
        f"{asked.rounds} rounds, load {os.getloadavg()[0]:.1f}",
        flush=True,
    )
    taken = measure(ways, asked.rounds)
    scripts = dict.fromkeys((stock, stock_at_once), one_by_one) | dict.fromkeys(
        ours.values(), at_once
    )
    print(report(taken, executions, scripts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
