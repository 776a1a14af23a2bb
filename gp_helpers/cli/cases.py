"""``golden-path cases``: the 23 cases of the plan, from the plan and the defect catalogue."""

from __future__ import annotations

import argparse
import json

from gp_helpers.evidence import ExitStatus
from gp_helpers.plan import SUITES, select


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("names", nargs="*", metavar="SUITE|CASE", help="which ones; default all")
    parser.add_argument("--json", action="store_true", help="as JSON, for scripts")


def run(options: argparse.Namespace) -> ExitStatus:
    """Print the cases."""
    from gp_helpers.platform.defects.catalogue import CATALOGUE

    rows = [
        {
            "case": case.id,
            "title": case.title,
            "test": f"{SUITES[case.suite].test_file}::{case.test_name}",
            "defects": {
                defect.id: defect.finding_code
                for defect in CATALOGUE.values()
                if defect.case == case.id
            },
        }
        for case in select(options.names)
    ]
    if options.json:
        print(json.dumps(rows, indent=2))
        return ExitStatus.MET
    for row in rows:
        print(f"{row['case']:36} {row['title']}")
        for defect, finding in row["defects"].items():  # type: ignore[attr-defined]
            print(f"{'':36} {defect} → {finding}")
    return ExitStatus.MET
