"""``golden-path compare``: what became of each case from one run to another."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gp_helpers.cli.tables import AS_RECORDED, print_comparison
from gp_helpers.evidence import Comparison, ExitStatus, Reading, compare
from gp_helpers.evidence.differences import printable

MOST_SHOWN = 5
"""Differences of a run; `golden-path recheck` shows all."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("before", type=Path, metavar="RUN", help="a run's folder or bundle")
    parser.add_argument("after", type=Path, metavar="RUN", help="a run's folder or bundle")
    parser.add_argument(
        "--recheck", action="store_true", help="check both again, and derive their verdicts"
    )
    parser.add_argument("--json", action="store_true", help="as JSON, for scripts")


def run(options: argparse.Namespace) -> ExitStatus:
    """Print the comparison; not met if something broke."""
    comparison = compare(options.before, options.after, rechecked=options.recheck)
    if options.json:
        print(json.dumps(_as_json(comparison), indent=2))
    else:
        print_comparison(comparison)
        for case in comparison.cases:
            if case.has_changed_timing:
                print(
                    f"changed timing: {case.case}, {case.seconds_before:.2f} s before, "
                    f"{case.seconds_after:.2f} s after"
                )
        for note in comparison.notes:
            print(printable(f"note: not run alike: {note}"))
        if comparison.before.is_final or comparison.after.is_final:
            print(AS_RECORDED)
    for reading in (comparison.before, comparison.after):
        for difference in reading.differences[:MOST_SHOWN]:
            print(f"differs: {reading.place}: {difference}", file=sys.stderr)
        if (more := len(reading.differences) - MOST_SHOWN) > 0:
            print(f"{more} more: golden-path recheck {reading.place}", file=sys.stderr)
    return ExitStatus(comparison.status)


def _as_json(comparison: Comparison) -> dict[str, Any]:
    return {
        "before": _run_as_json(comparison.before),
        "after": _run_as_json(comparison.after),
        "notes": comparison.notes,
        "cases": [
            {**asdict(case), "changed_timing": case.has_changed_timing} for case in comparison.cases
        ],
    }


def _run_as_json(reading: Reading) -> dict[str, Any]:
    return {
        "run": reading.verdicts["run"],
        "environment": reading.verdicts["environment"],
        "partial": reading.verdicts.get("partial"),
        "differences": reading.differences,
    }
