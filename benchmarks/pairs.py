"""Pairs of trials of the same wiring and seed: their histories must diverge nowhere.

What two such trials disagree in would be shown as the first divergence from the contrast, though
no defect caused it. Each trial is one on a platform of its own, hosted in this process.

    python -m benchmarks pairs [SUITE|CASE ...] [--pairs 100] [--env remediated] [--seed 1]
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence

from gp_helpers.execution.trials import Plan, defects_for, run_trial
from gp_helpers.history import Divergence, first_divergence
from gp_helpers.parameters import EmbeddedTarget, Isolation, Parameters, load
from gp_helpers.plan import CASES
from gp_helpers.probes import new_client
from gp_helpers.statistics import success_rate


def in_threads(environment: str) -> Parameters:
    """An environment of the embedded platform, hosted in one process."""
    parameters = load(environment)
    if not isinstance(parameters.target, EmbeddedTarget):
        raise SystemExit(f"{environment} is not an environment of the embedded platform")
    target = parameters.target.model_copy(update={"isolation": Isolation.THREAD})
    return parameters.model_copy(update={"target": target})


async def diverging(plan: Plan, seeds: Sequence[int]) -> list[tuple[int, Divergence]]:
    """The seeds whose two trials part, and where."""
    found = []
    async with new_client() as http:
        for seed in seeds:
            _, one = await run_trial(plan, seed, http)
            _, other = await run_trial(plan, seed, http)
            where = first_divergence(one, other)
            if where is not None:
                found.append((seed, where))
    return found


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
    parted = 0
    for case in cases:
        plan = Plan(case, parameters, defects_for(parameters, case), 1, 1)
        seeds = range(asked.seed, asked.seed + asked.pairs)
        found = asyncio.run(diverging(plan, seeds))
        parted += len(found)
        print(f"{case:36} {success_rate(len(found), asked.pairs)} diverge", flush=True)
        for seed, where in found:
            print(f"    seed {seed}, {where.actor}: {where.our_form} | {where.their_form}")
    print(f"{parted} of {len(cases) * asked.pairs} pairs diverge ({asked.env})")
    return 1 if parted else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
