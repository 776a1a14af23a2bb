"""All defects at once: each case still comes to a verdict, but some defects hide others.

What masks a finding is measured, not told: its own defect together with each other defect alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from gp_helpers.cli.matrix import plan_with
from gp_helpers.execution.trials import run_plans
from gp_helpers.plan import select
from gp_helpers.platform.defects.catalogue import CATALOGUE, defects_of


@dataclass(slots=True)
class Masking:
    """What is left of a case's findings when all defects are on."""

    case: str
    outcome: str
    reason: str
    findings: tuple[str, ...]
    masked_by: dict[str, list[str]] = field(default_factory=dict)
    """For each defect of the case whose code is missing: those that make it vanish, one by one."""

    @property
    def problem(self) -> str | None:
        """What is wrong with that; None if nothing is."""
        if self.outcome not in ("fail", "inconclusive"):
            return f"{self.outcome}: {self.reason}"
        return None

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "case": self.case,
            "outcome": self.outcome,
            "findings": list(self.findings),
            "masked_by": self.masked_by,
            "problem": self.problem,
        }


def masked(names: Sequence[str] | None, *, jobs: int) -> list[Masking]:
    """Run each case once with all defects, then look for what hides what is missing."""
    cases = [case.id for case in select(names or ())]
    together = run_plans([plan_with(case, CATALOGUE) for case in cases], jobs=jobs)
    rows = [
        Masking(
            case,
            result.verdict.outcome.value,
            result.verdict.reason,
            tuple(result.verdict.findings),
        )
        for case, result in zip(cases, together, strict=True)
    ]
    pairs = [
        (row, own, other)
        for row in rows
        for own in sorted(defects_of(row.case))
        if CATALOGUE[own].finding_code not in row.findings
        for other in sorted(CATALOGUE.keys() - defects_of(row.case))
    ]
    plans = [plan_with(row.case, {own, other}) for row, own, other in pairs]
    for (row, own, other), result in zip(pairs, run_plans(plans, jobs=jobs), strict=True):
        hiding = row.masked_by.setdefault(own, [])
        if CATALOGUE[own].finding_code not in result.verdict.findings:
            hiding.append(other)
    return rows


def print_masking(rows: Sequence[Masking]) -> None:
    """A line a case, and one for each defect that is not found."""
    for row in rows:
        print(f"{row.case:36} {row.outcome:13} {', '.join(row.findings) or row.reason[:120]}")
        for own, others in row.masked_by.items():
            by = ", ".join(others) or "no single other defect; only several together"
            print(f"    {own} ({CATALOGUE[own].finding_code}) is masked by {by}")
        if row.problem:
            print(f"    ! {row.problem[:300]}")
    hidden = sum(len(row.masked_by) for row in rows)
    print(f"{len(rows)} cases came to a verdict; {hidden} defects are masked")
