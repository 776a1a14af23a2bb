"""``golden-path recheck``: whether a run or bundle says what its histories say."""

from __future__ import annotations

import argparse
from pathlib import Path

from gp_helpers.evidence import ExitStatus, recheck
from gp_helpers.evidence.differences import printable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("place", type=Path, metavar="RUN|BUNDLE")
    parser.add_argument(
        "--expect", metavar="DIGEST", help="the root digest, from a place of your own"
    )


def run(options: argparse.Namespace) -> ExitStatus:
    """Re-check and print each difference; not met if there is one."""
    found = recheck(options.place, expect=options.expect)
    for difference in found.differences:
        print(difference)
    result = "everything agrees" if found.holds else f"{len(found.differences)} differences"
    print(
        f"{printable(found.run)}: {result}; {found.histories} histories, {found.entries} entries, "
        f"{found.seconds:.1f} s"
    )
    if found.digest is not None:
        print(f"digest {found.digest}")
    for note in found.notes:
        print(f"note: {printable(note)}")
    return ExitStatus.MET if found.holds else ExitStatus.NOT_MET
