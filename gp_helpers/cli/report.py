"""``golden-path report``: a run's report again, its bundle, or its failure patterns."""

from __future__ import annotations

import argparse
from pathlib import Path

from gp_helpers.cli.tables import print_secrets
from gp_helpers.evidence import ExitStatus, bundle, finalise, patterns, read_run


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
    if options.bundle:
        if not read_run(options.place).is_final:
            finalise(options.place)
        written = bundle(options.place, options.to)
        print(f"{written.path}  {written.path.stat().st_size / 1e6:.1f} MB")
        print(f"{written.scan.files} files were searched for secrets as they were packed: none")
        return ExitStatus.MET
    if options.patterns:
        folder = options.to or options.place.parent / f"{options.place.stem}-patterns"
        folder.mkdir(parents=True, exist_ok=True)
        for suite, text in patterns(options.place, options.suite).items():
            path = folder / f"{suite}.md"
            path.write_text(text, encoding="utf-8")
            print(path)
        return ExitStatus.MET
    finished = finalise(options.place)
    for problem in finished.problems:
        print(f"not made: {problem}")
    print_secrets(finished.scan)
    print(f"{finished.index}\ndigest {finished.digest}")
    return finished.status
