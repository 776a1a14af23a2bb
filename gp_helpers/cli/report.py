"""``golden-path report``: a run's report again, its bundle, or its failure patterns."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from gp_helpers.cli.tables import print_secrets
from gp_helpers.evidence import ExitStatus, NotARunError, bundle, finalise, patterns, read_run
from gp_helpers.evidence.files import write_atomically
from gp_helpers.parameters import ParameterError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("place", type=Path, metavar="RUN")
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--bundle",
        action="store_true",
        help="write one zip to hand on, of a run that was killed too",
    )
    what.add_argument("--patterns", action="store_true", help="write failure patterns (Markdown)")
    parser.add_argument("--suite", action="append", default=[], help="with --patterns: these alone")
    parser.add_argument("--to", type=Path, help="file of the bundle, or folder of the patterns")


def run(options: argparse.Namespace) -> ExitStatus:
    """Write what was asked for, and print where it is; a report ends with its run's status."""
    _refuse_what_would_be_ignored(options)
    if options.patterns:
        _write_patterns(options)
        return ExitStatus.MET
    if os.path.isfile(options.place):  # not there, or not to be looked at, is told below
        raise NotARunError(
            options.place,
            "a bundle is not written again: unpack it, and name its folder",
        )
    if options.bundle:
        if not read_run(options.place).is_final:
            finalise(options.place)
        written = bundle(options.place, options.to)
        print(f"{written.path}  {written.path.stat().st_size / 1e6:.1f} MB")
        print(f"{written.scan.files} files were searched for secrets as they were packed: none")
        return ExitStatus.MET
    finished = finalise(options.place)
    for problem in finished.problems:
        print(f"not made: {problem}")
    print_secrets(finished.scan)
    print(f"{finished.index}\ndigest {finished.digest}")
    return finished.status


def _refuse_what_would_be_ignored(options: argparse.Namespace) -> None:
    if options.suite and not options.patterns:
        raise ParameterError("--suite", ["goes with --patterns; a report is of all its suites"])
    if options.to is not None and not (options.patterns or options.bundle):
        raise ParameterError("--to", ["goes with --bundle or --patterns; a report has its place"])


def _write_patterns(options: argparse.Namespace) -> None:
    found = patterns(options.place, options.suite)
    missing = [suite for suite in options.suite if suite not in found]
    if missing:
        there = ", ".join(patterns(options.place))
        raise ParameterError(
            f"--suite {missing[0]}", [f"{options.place} has no case of it; it has: {there}"]
        )
    folder = options.to or options.place.parent / f"{options.place.stem}-patterns"
    for suite, text in found.items():
        path = folder / f"{suite}.md"
        write_atomically(path, text)
        print(path)
