"""The plan at a glance, for the notebook that one opens first."""

from __future__ import annotations

from gp_helpers.display.html import Html, table
from gp_helpers.plan import CASES, SUITES


def overview() -> Html:
    """Every case of the plan: what it is called, what it is about, and where it is investigated."""
    rows = [
        {
            "case": case.id,
            "what goes wrong": case.title,
            "what one sees": case.expected_symptom,
            "notebook": SUITES[case.suite].notebook,
        }
        for case in CASES.values()
    ]
    return table(rows, title=f"The {len(rows)} cases of the plan")
