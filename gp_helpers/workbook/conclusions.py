"""What a lab's trials amount to: one conclusion a case, written down, held against expectation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from gp_helpers.checkers import Outcome, Verdict
from gp_helpers.checkers.expectations import Met, worst
from gp_helpers.evidence import expected_of
from gp_helpers.parameters import Parameters
from gp_helpers.plan import CASES, THRESHOLDS
from gp_helpers.statistics import SuccessRate, success_rate


@dataclass(frozen=True, slots=True)
class Ended:
    """A trial that is over."""

    number: int
    seed: int
    history: str
    """Path of its history inside the run's folder."""
    verdict: Verdict
    counts: bool = True
    """False if it was given up before its last step, for a new one."""

    def to_json(self) -> dict[str, Any]:
        """The trial as plain JSON."""
        return {
            "trial": self.number,
            "seed": self.seed,
            "history": self.history,
            "counts": self.counts,
            "verdict": self.verdict.to_json(),
        }


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What the trials of one case amount to."""

    case: str
    outcome: Outcome
    reason: str
    findings: tuple[str, ...]
    met: Met
    trials: tuple[Ended, ...]

    @property
    def counting(self) -> tuple[Ended, ...]:
        """The trials that count."""
        return tuple(ended for ended in self.trials if ended.counts)

    @property
    def passed(self) -> SuccessRate:
        """The share of trials that passed, with its interval."""
        passes = [ended for ended in self.counting if ended.verdict.outcome is Outcome.PASS]
        return success_rate(len(passes), len(self.counting))

    @property
    def average(self) -> str:
        """What a trial took on average, and the plan's limit for that."""
        name = CASES[self.case].average_threshold
        seconds = [ended.verdict.seconds for ended in self.counting]
        limit = THRESHOLDS[name].limit
        return f"{fmean(seconds):.2f} s on average ({name}: {limit:g} s)"

    def row(self) -> dict[str, Any]:
        """A row of the closing table."""
        return {
            "case": self.case,
            "verdict": self.outcome.value,
            "findings": ", ".join(self.findings) or None,
            "as expected": self.met.met,
            "trials": len(self.counting),
            "seconds": sum(ended.verdict.seconds for ended in self.counting),
        }


def conclude(
    case_id: str, trials: Sequence[Ended], parameters: Parameters, *, broken: str | None = None
) -> Conclusion:
    """The conclusion of a case; ``broken`` says why a trial could not even be opened.

    A trial that was given up for a new one does not count, unless it showed a failure: what was
    seen is not unseen by beginning again. Evidence and re-check say the same of its history.
    """
    verdicts = [ended.verdict for ended in trials if ended.counts]
    given_up = [
        ended.verdict
        for ended in trials
        if not ended.counts and ended.verdict.outcome is Outcome.FAIL
    ]
    if broken is not None:
        verdicts.append(Verdict(case_id, Outcome.ERROR, broken))
    if not verdicts:
        verdicts.append(Verdict(case_id, Outcome.INCONCLUSIVE, "no trial came to its end"))
    expected = expected_of(case_id, parameters)
    mets = [expected.held_against(verdict) for verdict in verdicts]
    if expected.outcome is not Outcome.FAIL:
        mets += [expected.held_against(verdict) for verdict in given_up]
    verdicts += given_up
    outcome = worst(verdict.outcome for verdict in verdicts)
    decisive = next(verdict for verdict in verdicts if verdict.outcome is outcome)
    findings = tuple(dict.fromkeys(code for verdict in verdicts for code in verdict.findings))
    unmet = next((met for met in mets if not met.met), None)
    met = mets[0] if unmet is None else unmet
    return Conclusion(case_id, outcome, decisive.reason, findings, met, tuple(trials))
