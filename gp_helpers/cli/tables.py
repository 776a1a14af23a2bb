"""The tables that commands print: plain text, one row a case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gp_helpers.checkers.claims import NOT_OBSERVED
from gp_helpers.evidence import Comparison, SecretScan
from gp_helpers.evidence.differences import printable

AS_RECORDED = "note: verdicts as they were recorded, not derived again (--recheck does)"
_SHOWN_OF_A_REASON = 120
_SHOWN = {"pass": "PASS", "fail": "FAIL", "inconclusive": "INCONCLUSIVE", "error": "ERROR"}


def shown(outcome: object) -> str:
    """An outcome as a table shows it."""
    return "–" if outcome is None else _SHOWN[str(outcome)]


def seconds(value: float | None) -> str:
    """Seconds of a case, or a dash."""
    return "–" if value is None else f"{value:.2f}"


def print_run(verdicts: Mapping[str, Any]) -> None:
    """One run: a row a case, then what its environment did not select."""
    print(f"{'case':36} {'verdict':12} {'expected':8} {'seconds':>7}  findings")
    for case in verdicts["cases"]:
        met = {True: "met", False: "NOT MET", None: "–"}[case["met"]]
        told = ", ".join(case["findings"]) or _open(case)
        print(
            f"{case['case']:36} {shown(case['outcome']):12} {met:8} "
            f"{seconds(case['seconds']):>7}  {told}"
        )
    if verdicts.get("partial"):
        print(f"PARTIAL: {verdicts['partial']}")


def _open(case: Mapping[str, Any]) -> str:
    """Why nothing was found, or what a pass leaves open."""
    reason = str(case["reason"])
    if case["outcome"] == "pass":
        _, known, left_open = reason.partition(NOT_OBSERVED)
        reason = f"{known}{left_open}"
    return reason if len(reason) <= _SHOWN_OF_A_REASON else f"{reason[: _SHOWN_OF_A_REASON - 1]}…"


def print_comparison(comparison: Comparison) -> None:
    """Two runs side by side: before, after, seconds, and what became of the case."""
    before = printable(str(comparison.before.verdicts["environment"]))
    after = printable(str(comparison.after.verdicts["environment"]))
    print(f"{'case':36} {before:>12} {after:>12} {'seconds':>12}  findings before")
    for case in comparison.cases:
        took = f"{seconds(case.seconds_before)} {seconds(case.seconds_after)}"
        print(
            f"{case.case:36} {shown(case.before):>12} {shown(case.after):>12} {took:>12}  "
            f"{printable(', '.join(case.findings_before))}"
        )
    for reading in (comparison.before, comparison.after):
        if reading.verdicts.get("partial"):
            partial = f"PARTIAL: {reading.verdicts['run']}: {reading.verdicts['partial']}"
            print(printable(partial))
    counted = {change: len(comparison.of(change)) for change in dict.fromkeys(
        case.change for case in comparison.cases
    )}  # fmt: skip
    print(", ".join(f"{count} {change.value}" for change, count in counted.items()))


def print_secrets(scanned: SecretScan) -> None:
    """What secrets are in the evidence, if any."""
    if not scanned.is_clean:
        print("SECRETS were found in the evidence; do not hand it on:")
        for finding in scanned.findings:
            print(f"  {finding}")
