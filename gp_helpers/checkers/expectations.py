"""What a case is expected to show, and whether it did: the one rule for notebooks, runs and soaks.

Pure: it is told which finding codes the case's own defects have, and knows no platform.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
class TrialEnd:
    """How one of a case's trials ended."""

    outcome: Outcome
    findings: tuple[str, ...]
    reason: str
    is_whole: bool
    """False if it was given up before its last step."""

    @classmethod
    def of(cls, verdict: Verdict, *, is_whole: bool = True) -> TrialEnd:
        """The end of a trial with this verdict."""
        return cls(verdict.outcome, verdict.findings, verdict.reason, is_whole)


def counted(ends: Sequence[TrialEnd]) -> list[TrialEnd]:
    """The ends of a case's trials, in their order, that count towards it.

    A trial that was given up for a later one does not, unless it showed a failure or broke: what
    was seen is not unseen by beginning again.
    """
    return [
        end
        for end in ends
        if end.is_whole or end is ends[-1] or end.outcome in (Outcome.FAIL, Outcome.ERROR)
    ]


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

    def owed_by(self, ends: Sequence[TrialEnd]) -> list[TrialEnd]:
        """The ends that have to be as expected: those that count.

        Where a failure is expected, one that was given up for a later trial showed part of it, and
        owes no more.
        """
        return [
            end
            for end in counted(ends)
            if end.is_whole or end is ends[-1] or not (self.outcome is end.outcome is Outcome.FAIL)
        ]

    def held_against_all(self, ends: Sequence[TrialEnd]) -> Met:
        """Whether every trial that counts ended as expected, each by itself; if not, the first."""
        mets = [self.held_against(end) for end in self.owed_by(ends)]
        if not mets:
            return Met(self.outcome is None, "no trial was made")
        return next((met for met in mets if not met), mets[0])

    def held_against(self, verdict: Verdict | TrialEnd) -> Met:
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
