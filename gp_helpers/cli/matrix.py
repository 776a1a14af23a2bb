"""``golden-path matrix``: every defect alone against every case; hits must be declared.

With ``--together`` all defects at once against every case, and which of them mask which.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gp_helpers.checkers import Outcome
from gp_helpers.cli.counts import positive_int
from gp_helpers.cli.selecting import known_defects
from gp_helpers.evidence import ExitStatus
from gp_helpers.parameters import (
    EmbeddedTarget,
    Isolation,
    ListedDefects,
    ParameterError,
    load,
)
from gp_helpers.plan import select
from gp_helpers.targets.requirements import require_foundations

if TYPE_CHECKING:
    from gp_helpers.execution.trials import Plan


@dataclass(frozen=True, slots=True)
class Cell:
    """One defect alone, against one case."""

    defect: str
    case: str
    outcome: str
    findings: tuple[str, ...]
    is_declared: bool
    """The catalogue says that this defect may break this case."""
    problem: str | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("names", nargs="*", metavar="SUITE|CASE", help="columns; default all")
    parser.add_argument("--defects", nargs="*", help="rows; default all")
    parser.add_argument(
        "--together", action="store_true", help="all defects at once, and what masks what"
    )
    parser.add_argument(
        "--jobs", type=positive_int, default=2, help="processes side by side (default 2)"
    )
    parser.add_argument("--json", action="store_true", help="as JSON, for scripts")


def run(options: argparse.Namespace) -> ExitStatus:
    """Run the matrix and print it.

    Not met if a hit is undeclared, an own defect is missed, or a trial broke (``error``). Together:
    not met if a case passes or breaks; what no single other defect masks is told, not a problem.
    """
    require_foundations()
    if options.together:
        if options.defects is not None:
            raise ParameterError("--defects", ["not with --together, which takes all of them"])
        from gp_helpers.cli.masking import Masking, masked, print_masking

        rows: list[Masking] = masked(options.names, jobs=options.jobs)
        if options.json:
            print(json.dumps([row.to_json() for row in rows], indent=2))
        else:
            print_masking(rows)
        return ExitStatus.NOT_MET if any(row.problem for row in rows) else ExitStatus.MET
    cells = measure(options.defects, options.names, jobs=options.jobs)
    if options.json:
        print(json.dumps([_json(cell) for cell in cells], indent=2))
    else:
        _print(cells)
    return ExitStatus.NOT_MET if any(cell.problem for cell in cells) else ExitStatus.MET


def plan_with(case_id: str, defects: Iterable[str]) -> Plan:
    """One trial of a case with exactly these defects, in thread isolation."""
    from gp_helpers.execution.trials import Plan

    chosen = frozenset(defects)
    wiring = ListedDefects(defects=tuple(sorted(chosen)))
    target = EmbeddedTarget(wiring=wiring, isolation=Isolation.THREAD)
    parameters = load("as_reported").model_copy(update={"target": target})
    return Plan(case_id, parameters, chosen, 1, 1)


def measure(defects: list[str] | None, names: list[str] | None, *, jobs: int) -> list[Cell]:
    """Run each defect alone against each case, once, in thread isolation."""
    from gp_helpers.execution.trials import run_plans
    from gp_helpers.platform.defects.catalogue import CATALOGUE

    chosen = sorted(known_defects(defects, source="--defects")) if defects else list(CATALOGUE)
    plans = [plan_with(case.id, {defect}) for defect in chosen for case in select(names or ())]
    cells = []
    for plan, result in zip(plans, run_plans(plans, jobs=jobs), strict=True):
        [name] = plan.defects
        defect_info = CATALOGUE[name]
        findings, outcome = result.verdict.findings, result.verdict.outcome.value
        is_own = defect_info.case == plan.case_id
        is_declared = is_own or plan.case_id in defect_info.also_breaks
        is_missed = is_own and defect_info.finding_code not in findings
        wrong = _what_is_wrong(result.verdict.outcome, is_missed, is_declared)
        problem = f"{wrong}: {outcome}, {result.verdict.reason}" if wrong else None
        cells.append(Cell(name, plan.case_id, outcome, findings, is_declared, problem))
    return cells


def _what_is_wrong(outcome: Outcome, is_missed: bool, is_declared: bool) -> str | None:
    """What is wrong with a cell; an error tells nothing about the defect, declared or not."""
    if outcome is Outcome.ERROR:
        return "broke"
    if is_missed:
        return "not detected"
    if not is_declared and outcome is not Outcome.PASS:
        return "undeclared"
    return None


def _json(cell: Cell) -> dict[str, object]:
    return {
        "defect": cell.defect,
        "case": cell.case,
        "outcome": cell.outcome,
        "findings": list(cell.findings),
        "declared": cell.is_declared,
        "problem": cell.problem,
    }


_MARKS = {"pass": "·", "fail": "F", "inconclusive": "?", "error": "E"}


def _print(cells: list[Cell]) -> None:
    cases = list(dict.fromkeys(cell.case for cell in cells))
    for number, case in enumerate(cases, start=1):
        print(f"{number:3} {case}")
    print(f"{'':36}" + "".join(f"{number:3}" for number in range(1, len(cases) + 1)))
    for defect in dict.fromkeys(cell.defect for cell in cells):
        row = {cell.case: cell for cell in cells if cell.defect == defect}
        marks = "".join(
            f"{_MARKS[row[case].outcome] + ('!' if row[case].problem else ''):>3}" for case in cases
        )
        print(f"{defect:36}{marks}")
    print("F fail, · pass, ? inconclusive, E error; ! undeclared, missed or broken")
    for cell in cells:
        if cell.problem:
            print(f"{cell.defect} × {cell.case}: {cell.problem[:300]}")
