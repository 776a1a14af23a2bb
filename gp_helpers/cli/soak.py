"""``golden-path soak``: many trials of each case without notebooks, and rates with intervals."""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

from gp_helpers.cli.counts import positive_int
from gp_helpers.evidence import EvidenceWriteError, ExitStatus
from gp_helpers.parameters import (
    DeploymentTarget,
    EmbeddedTarget,
    Expectation,
    Isolation,
    ParameterError,
    Parameters,
    load,
    resolved,
)
from gp_helpers.plan import CaseInfo, select
from gp_helpers.targets.requirements import require_usable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("names", nargs="*", metavar="SUITE|CASE", help="which ones; default all")
    parser.add_argument("--env", default="as_reported", help="a name in parameters/, or a path")
    parser.add_argument(
        "--trials", type=positive_int, default=200, help="trials a case (default 200)"
    )
    parser.add_argument(
        "--isolation", choices=[one.value for one in Isolation], help="in place of the file's own"
    )
    parser.add_argument(
        "--jobs", type=positive_int, default=2, help="processes side by side (default 2)"
    )
    parser.add_argument("--keep", type=Path, help="folder for the histories of all trials")
    parser.add_argument("--json", action="store_true", help="as JSON, for scripts")


def run(options: argparse.Namespace) -> ExitStatus:
    """Run the trials and print a row a case; not met if any trial differs from the expectation."""
    from gp_helpers.evidence import expected_of, stated_secrets
    from gp_helpers.execution.trials import Plan, defects_for, run_plans
    from gp_helpers.statistics import success_rate

    stated = _with_isolation(load(options.env), options.isolation)
    require_usable(options.env, stated.target)
    parameters, secrets = resolved(stated), stated_secrets(stated.as_json())
    cases = select(options.names or parameters.cases)
    if options.keep is not None:
        _make(options.keep)
    # A guest may have so many users at a time in all.
    jobs = 1 if isinstance(parameters.target, DeploymentTarget) else options.jobs
    began = time.perf_counter()
    rows, misses = [], 0
    for case in cases:
        defects = defects_for(parameters, case.id)
        expected = expected_of(case.id, parameters)
        plan = Plan(case.id, parameters, defects, 1, options.trials, options.keep, secrets)
        results = run_plans([plan], jobs=jobs)
        met = [expected.held_against(one.verdict) for one in results]
        rate = success_rate(sum(map(bool, met)), len(met))
        misses += len(met) - rate.passed
        row = {
            "case": case.id,
            "met": rate.passed,
            "trials": rate.trials,
            "interval": [round(rate.lower, 4), round(rate.upper, 4)],
            "median_s": round(statistics.median(one.verdict.seconds for one in results), 3),
            "median_with_platform_s": round(statistics.median(one.seconds for one in results), 3),
        }
        rows.append(row)
        if not options.json:
            _print(
                row, (rate.lower, rate.upper), case, parameters.expectation, first=len(rows) == 1
            )
            for result, one in zip(results, met, strict=True):
                if not one:
                    print(f"    trial {result.number}: {one.reason[:300]}")
            sys.stdout.flush()
    if options.json:
        print(json.dumps(rows, indent=2))
    else:
        print(f"{len(rows)} cases, {misses} misses, {time.perf_counter() - began:.0f} s")
    return ExitStatus.NOT_MET if misses else ExitStatus.MET


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EvidenceWriteError(folder, error) from error


def _with_isolation(parameters: Parameters, isolation: str | None) -> Parameters:
    if isolation is None:
        return parameters
    if not isinstance(parameters.target, EmbeddedTarget):
        raise ParameterError("--isolation", ["concerns the embedded target"])
    target = parameters.target.model_copy(update={"isolation": Isolation(isolation)})
    return parameters.model_copy(update={"target": target})


def _print(
    row: dict[str, object],
    interval: tuple[float, float],
    case: CaseInfo,
    expectation: Expectation,
    *,
    first: bool,
) -> None:
    if first:
        what = "detected" if expectation is Expectation.REPRODUCE else "passed"
        print(f"{'case':36} {what:>12}  {'95 % interval':>17}  median s (with platform)")
    low, high = interval
    shown = f"{row['met']} of {row['trials']}"
    print(
        f"{case.id:36} {shown:>12}  {low:7.2%} – {high:7.2%}  "
        f"{row['median_s']:.2f} ({row['median_with_platform_s']:.2f})"
    )
