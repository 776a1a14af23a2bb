"""``golden-path trend``: success rate and duration of each case over all runs in a folder."""

from __future__ import annotations

import argparse
from pathlib import Path

from gp_helpers.cli.tables import AS_RECORDED, seconds
from gp_helpers.display.trends import trend_figure
from gp_helpers.evidence import ExitStatus, trend
from gp_helpers.evidence.differences import printable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("outputs", type=Path, nargs="?", default=Path("outputs"))
    parser.add_argument(
        "--env",
        action="append",
        default=[],
        metavar="NAME",
        help="this environment alone, as the table names it; may be repeated",
    )
    parser.add_argument(
        "--recheck", action="store_true", help="check each run again; leave out what differs"
    )
    parser.add_argument("--plot", type=Path, metavar="FILE.svg", help="write the plot as well")


def run(options: argparse.Namespace) -> ExitStatus:
    """Print a row a case and environment."""
    found = trend(options.outputs, environments=options.env, rechecked=options.recheck)
    wide = max((len(printable(row.environment)) for row in found.rows), default=0)
    print(f"{'case':36} {'environment':{wide}} {'runs':>4}  passed (95 % interval), median seconds")
    for row in found.rows:
        median = seconds(row.seconds(50))
        environment = printable(row.environment)
        print(f"{row.case:36} {environment:{wide}} {len(row.points):4}  {row.success}, {median}")
    for problem in found.unreadable:
        print(f"not read: {problem}")
    for problem in found.differing:
        print(f"differs, and is left out: {problem}")
    if found.copies:
        left_out = printable(", ".join(found.copies))
        print(f"left out, {len(found.copies)} copies of runs that are counted: {left_out}")
    if not options.recheck:
        print(AS_RECORDED)
    if options.plot is not None:
        options.plot.write_text(trend_figure(found.rows).svg, encoding="utf-8")
        print(options.plot)
    if found.differing:
        return ExitStatus.NOT_MET
    return ExitStatus.MET if found.rows else ExitStatus.INCONCLUSIVE
