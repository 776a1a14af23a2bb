"""Whether a verdict is the expected one: what notebooks, runs and the plan's tests enforce.

Pure: it is told which finding codes the case's own defects have, and knows no platform.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from gp_helpers.checkers.claims import Outcome, Verdict
from gp_helpers.parameters import Expectation

_WORST_FIRST = (Outcome.ERROR, Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.PASS)


@dataclass(frozen=True, slots=True)
class Met:
    """Whether an expectation is met, and why or why not."""

    met: bool
    reason: str

    def __bool__(self) -> bool:
        return self.met


def expectation_met(
    verdict: Verdict, expectation: Expectation, own_findings: Collection[str] | None
) -> Met:
    """Hold a verdict against an expectation.

    ``own_findings`` are the finding codes of the case's own defects that are on: empty if none of
    them is, None where nobody knows (a platform that is not ours). Inconclusive meets neither
    ``reproduce`` nor ``pass``.
    """
    shown = f"{verdict.outcome.value}: {verdict.reason}"
    if expectation is Expectation.NONE:
        return Met(True, f"nothing is expected; {shown}")
    if expectation is Expectation.PASS or (own_findings is not None and not own_findings):
        return Met(verdict.outcome is Outcome.PASS, f"expected pass, is {shown}")
    if verdict.outcome is not Outcome.FAIL:
        wanted = " and ".join(sorted(own_findings or ())) or "a finding"
        return Met(False, f"expected fail with {wanted}, is {shown}")
    missing = sorted(set(own_findings or ()) - set(verdict.findings))
    found = ", ".join(verdict.findings) or "no finding code"
    if missing:
        return Met(False, f"expected {' and '.join(missing)}, found {found}")
    return Met(True, f"fails with {found}, as expected")


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """The outcome of several trials together; inconclusive if there is none."""
    seen = set(outcomes)
    return next((outcome for outcome in _WORST_FIRST if outcome in seen), Outcome.INCONCLUSIVE)
