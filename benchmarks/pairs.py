"""Pairs of trials of the same wiring and seed: their histories must diverge nowhere.

What two such trials disagree in would be shown as the first divergence from the contrast, though
no defect caused it. Each trial is one on a platform of its own, hosted in this process, and its
verdict is held against what the environment expects.

    python -m benchmarks pairs [SUITE|CASE ...] [--pairs 100] [--env remediated] [--seed 1]
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from gp_helpers.evidence import expected_of
from gp_helpers.execution.trials import Plan, defects_for, run_trial
from gp_helpers.history import Divergence, first_divergence
from gp_helpers.parameters import EmbeddedTarget, Isolation, Parameters, load
from gp_helpers.plan import CASES
from gp_helpers.statistics import success_rate


def in_threads(environment: str) -> Parameters:
    """An environment of the embedded platform, hosted in one process."""
    parameters = load(environment)
    if not isinstance(parameters.target, EmbeddedTarget):
        raise SystemExit(f"{environment} is not an environment of the embedded platform")
    target = parameters.target.model_copy(update={"isolation": Isolation.THREAD})
    return parameters.model_copy(update={"target": target})


@dataclass
class Seen:
    """What the pairs of a case showed, by seed."""

    parted: list[tuple[int, Divergence]]
    unmet: list[tuple[int, str]]
    """Trials whose verdict is not what is expected, and why."""


async def of_pairs(plan: Plan, seeds: Sequence[int]) -> Seen:
    """Take the pairs of a case."""
    seen = Seen([], [])
    expected = expected_of(plan.case_id, plan.parameters)
    for seed in seeds:
        trials = [await run_trial(plan, seed) for _ in range(2)]
        for result, _ in trials:
            met = expected.held_against(result.verdict)
            if not met:
                seen.unmet.append((seed, f"{met.reason}: {result.verdict.reason}"))
        (_, one), (_, other) = trials
        where = first_divergence(one, other)
        if where is not None:
            seen.parted.append((seed, where))
    return seen


def main(options: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks pairs", description=__doc__)
    parser.add_argument("selection", nargs="*", help="suites or cases; all without")
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--env", default="remediated")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(options)
    parameters = in_threads(asked.env)
    cases = [
        case
        for case in CASES
        if not asked.selection or {case, case.partition(".")[0]} & set(asked.selection)
    ]
    if not cases:
        parser.error(f"no case is called {' or '.join(asked.selection)}; there are: {list(CASES)}")
    parted = unmet = 0
    for case in cases:
        plan = Plan(case, parameters, defects_for(parameters, case), 1, 1)
        seeds = range(asked.seed, asked.seed + asked.pairs)
        seen = asyncio.run(of_pairs(plan, seeds))
        parted, unmet = parted + len(seen.parted), unmet + len(seen.unmet)
        as_expected = success_rate(2 * asked.pairs - len(seen.unmet), 2 * asked.pairs)
        diverge = success_rate(len(seen.parted), asked.pairs)
        print(f"{case:36} {diverge} diverge, {as_expected} trials as expected", flush=True)
        for seed, where in seen.parted:
            print(f"    seed {seed}, {where.actor}: {where.our_form} | {where.their_form}")
        for seed, why in seen.unmet:
            print(f"    seed {seed}: {why}")
    pairs = len(cases) * asked.pairs
    print(
        f"{parted} of {pairs} pairs diverge ({asked.env}); {unmet} of {2 * pairs} trials unexpected"
    )
    return 1 if parted or unmet else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
