"""`python -m benchmarks checkouts OTHER`: a whole run of two checkouts in turn, before and after.

On a machine whose speed changes from one minute to the next only runs in turn can be held against
each other. Both use this interpreter and its libraries.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmarks.commands import run_quietly
from benchmarks.ways import Way, measure, report

_HERE = Path(__file__).resolve().parent.parent


def _run(checkout: Path, kind: str, folder: Path) -> None:
    command = (
        f"import os, sys; os.chdir({str(checkout)!r}); from gp_helpers.cli import main; main()"
    )
    run_quietly(
        [
            *(sys.executable, "-c", command, "run", "--quiet", f"--{kind}"),
            *("--env", "as_reported", "--env", "remediated", "--outputs", str(folder)),
        ],
        environ={"PYTHONPATH": str(checkout)},
    )


def main(options: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks checkouts", description=__doc__)
    parser.add_argument("other", type=Path, help="a checkout to hold this one against")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cold", action="store_true", help="stock kernels")
    asked = parser.parse_args(options)
    other = asked.other.resolve()
    if not (other / "gp_helpers" / "__init__.py").is_file():
        parser.error(f"{asked.other} is no checkout of this project")
    kind = "cold" if asked.cold else "warm"
    ways = [Way(str(one), partial(_run, one, kind)) for one in (other, _HERE)]
    measure(ways, 1)  # What Python compiles in a new checkout counts for neither.
    print(report(measure(ways, asked.rounds), 1, {}))
    return 0
