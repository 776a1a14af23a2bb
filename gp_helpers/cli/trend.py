"""``golden-path trend``: success rate and duration of each case over all runs in a folder."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from gp_helpers.cli.tables import AS_RECORDED, seconds
from gp_helpers.display.trends import trend_figure
from gp_helpers.evidence import ExitStatus, Trend, TrendRow, trend
from gp_helpers.evidence.differences import printable
from gp_helpers.parameters import ParameterError


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
    """Print a row a case and environment; not met if a run differs, undecided without a row."""
    if options.plot is not None and options.plot.suffix != ".svg":
        raise ParameterError(f"--plot {options.plot}", ["an SVG is written: name a file.svg"])
    found = trend(options.outputs, environments=options.env, rechecked=options.recheck)
    if found.rows:
        _print_table(found.rows)
    elif not found.differing:
        print(f"{options.outputs}: no run that can be read, neither a folder nor a bundle")
    for line in _beside(found):
        print(printable(line))
    if found.rows and not options.recheck:
        print(AS_RECORDED)
    if found.rows and options.plot is not None:
        _write(options.plot, trend_figure(found.rows).svg)
    if found.differing:
        return ExitStatus.NOT_MET
    return ExitStatus.MET if found.rows else ExitStatus.INCONCLUSIVE


def _write(path: Path, plot: str) -> None:
    try:
        path.write_text(plot, encoding="utf-8")
    except OSError as error:
        raise ParameterError(f"--plot {path}", [f"cannot be written: {error.strerror}"]) from None
    print(path)


def _print_table(rows: Sequence[TrendRow]) -> None:
    wide = max(len("environment"), *(len(printable(row.environment)) for row in rows))
    print(
        f"{'case':36} {'environment':{wide}} {'runs':>4} {'undecided':>9} {'median s':>8}  "
        "passed (95 % interval)"
    )
    for row in rows:
        rate = row.success
        print(
            f"{row.case:36} {printable(row.environment):{wide}} {len(row.points):4} "
            f"{row.undecided:9} {seconds(row.seconds(50)):>8}  "
            f"{'nothing decided' if rate.rate is None else rate}"
        )


def _beside(found: Trend) -> Iterator[str]:
    """What the table does not show of the runs in the folder."""
    yield from (f"PARTIAL: {run}" for run in found.partial)
    yield from (f"not read: {problem}" for problem in found.unreadable)
    yield from (f"differs, and is left out: {problem}" for problem in found.differing)
    if found.copies:
        names = ", ".join(found.copies)
        yield f"left out, {len(found.copies)} copies of runs that are counted: {names}"
