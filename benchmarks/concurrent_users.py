"""How many users at once the remediated platform serves, and where it stops holding.

Each number of users is one trial of journey.multi_user_isolation on a platform of its own: they all
register, log in, read, connect and ask at the same time. It holds where the case passes: everybody
completes, nobody sees anything of anybody else, and a user takes under 10 s on average.

    python -m benchmarks.concurrent_users [--users 3 10 25 50 100 150 200 300] [--seconds 300]
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence

from gp_helpers.checkers import Outcome, Verdict
from gp_helpers.execution.trials import Plan, run_trial
from gp_helpers.parameters import EmbeddedTarget, Isolation, Parameters

CASE = "journey.multi_user_isolation"
USERS = (3, 10, 25, 50, 100, 150, 200, 300)


def parameters(users: int, isolation: Isolation) -> Parameters:
    """The remediated platform with this many users; more than a parameter file may ask for."""
    target = EmbeddedTarget(wiring="remediated", isolation=isolation)
    return Parameters(target=target).model_copy(update={"concurrent_users": users})


def row(users: int, verdict: Verdict) -> str:
    times = {
        name: value
        for claim in verdict.claims
        if claim.name == "users_in_time"
        for name, value in claim.measured.items()
    }
    mean, most = times.get("mean_s"), times.get("most_s")
    shown = f"{mean:9.2f} {most:9.2f}" if mean is not None and most is not None else f"{'':19}"
    why = "" if verdict.outcome is Outcome.PASS else f"  {verdict.reason[:160]}"
    return f"{users:6} {verdict.outcome.value:>13} {shown}{why}"


async def measure(counts: Sequence[int], isolation: Isolation, seconds: float) -> int | None:
    """Print a row for each number of users up to the first that does not hold; return that one."""
    print(f"{'users':>6} {'verdict':>13} {'mean (s)':>9} {'most (s)':>9}")
    ends = time.perf_counter() + seconds
    for users in counts:
        if time.perf_counter() > ends:
            print(f"no time left after {seconds:g} s")
            return None
        plan = Plan(CASE, parameters(users, isolation), frozenset(), 1, 1)
        result, _ = await run_trial(plan, 1)
        print(row(users, result.verdict), flush=True)
        if result.verdict.outcome is not Outcome.PASS:
            return users
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--users", type=int, nargs="+", default=USERS)
    parser.add_argument("--isolation", choices=[one.value for one in Isolation], default="process")
    parser.add_argument("--seconds", type=float, default=300.0, help="begin nothing after these")
    options = parser.parse_args()
    counts = sorted(options.users)
    first = asyncio.run(measure(counts, Isolation(options.isolation), options.seconds))
    held = [users for users in counts if first is None or users < first]
    print(f"it holds with {max(held, default=0)} users at once", end="")
    print(f", and not with {first}" if first is not None else "")
    return 0


if __name__ == "__main__":
    sys.exit(main())
