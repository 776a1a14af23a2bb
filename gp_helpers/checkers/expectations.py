"""What a case is expected to show, and whether it did: the one rule for notebooks, runs and soaks.

Pure: it is told which finding codes the case's own defects have, and knows no platform.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gp_helpers.checkers.claims import Outcome, Verdict

_WORST_FIRST = (Outcome.ERROR, Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.PASS)


@dataclass(frozen=True, slots=True)
class Met:
    """Whether an expectation is met, and why or why not."""

    met: bool
    reason: str

    def __bool__(self) -> bool:
        return self.met


@dataclass(frozen=True, slots=True)
class Expected:
    """What a case is expected to show. Inconclusive meets neither a pass nor a fail."""

    outcome: Outcome | None
    """None: nothing is expected; it is only reported."""
    findings: tuple[str, ...] = ()
    """With `Outcome.FAIL`: all of these codes must be among the findings; empty allows any."""

    def to_json(self) -> dict[str, Any]:
        """The expectation as plain JSON."""
        outcome = self.outcome.value if self.outcome else None
        return {"outcome": outcome, "findings": list(self.findings)}

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Expected:
        """Read an expectation back; raises ``ValueError`` for an outcome that is none."""
        outcome = Outcome(raw["outcome"]) if raw.get("outcome") else None
        return cls(outcome, tuple(raw.get("findings", ())))

    def is_met_by(self, outcome: Outcome, findings: Iterable[str]) -> bool | None:
        """Whether a case showed it; None where nothing is expected."""
        if self.outcome is None:
            return None
        return outcome is self.outcome and set(self.findings) <= set(findings)

    def held_against(self, verdict: Verdict) -> Met:
        """Whether a verdict is the expected one, and why or why not."""
        found = ", ".join(verdict.findings) or "no finding code"
        wanted = " and ".join(sorted(self.findings)) or "a finding"
        is_met = self.is_met_by(verdict.outcome, verdict.findings)
        if is_met is None:
            return Met(True, f"nothing is expected; {verdict.outcome.value}: {verdict.reason}")
        if self.outcome is not Outcome.FAIL:
            is_so = f"expected {self.outcome and self.outcome.value}, is {verdict.outcome.value}"
            return Met(is_met, f"{is_so}: {verdict.reason}")
        if verdict.outcome is not Outcome.FAIL:
            return Met(
                False,
                f"expected fail with {wanted}, is {verdict.outcome.value}: {verdict.reason}",
            )
        if not is_met:
            missing = " and ".join(sorted(set(self.findings) - set(verdict.findings)))
            return Met(False, f"expected {missing}, found {found}")
        return Met(True, f"fails with {found}, as expected")


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """The outcome of several trials together; inconclusive if there is none."""
    seen = set(outcomes)
    return next((outcome for outcome in _WORST_FIRST if outcome in seen), Outcome.INCONCLUSIVE)
