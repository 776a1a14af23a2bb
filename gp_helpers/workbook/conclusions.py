"""What a lab's trials amount to: one conclusion a case, written down, held against expectation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gp_helpers.checkers import Outcome, Verdict
from gp_helpers.checkers.expectations import Met, TrialEnd, counted, worst
from gp_helpers.evidence import expected_of
from gp_helpers.evidence.averages import average_of
from gp_helpers.parameters import Parameters
from gp_helpers.plan import CASES
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
    limit: float
    """What a trial may take on average."""

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
        """What a trial took on average, as the evidence says, and the run's limit for that."""
        header = {"thresholds": {CASES[self.case].average_threshold: self.limit}}
        decided = (Outcome.PASS, Outcome.FAIL)
        average = average_of(
            self.case,
            [(header, one.verdict) for one in self.trials if one.verdict.outcome in decided],
        )
        seconds = average["seconds"]
        took = "nothing measured" if seconds is None else f"{seconds:.2f} s on average"
        return f"{took} ({CASES[self.case].average_threshold}: {self.limit:g} s)"

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
    case_id: str,
    trials: Sequence[Ended],
    parameters: Parameters,
    *,
    unopened: TrialEnd | None = None,
) -> Conclusion:
    """The conclusion of a case; ``unopened`` is what became of a trial that was not even opened.

    Which trials count, and what they owe, is the rule by which the evidence judges their histories.
    """
    ends = [TrialEnd.of(ended.verdict, is_whole=ended.counts) for ended in trials]
    if unopened is not None:
        ends.append(unopened)
    if not ends:
        ends.append(TrialEnd(Outcome.INCONCLUSIVE, (), "no trial came to its end", is_whole=True))
    counting = counted(ends)
    outcome = worst(end.outcome for end in counting)
    decisive = next(end for end in counting if end.outcome is outcome)
    return Conclusion(
        case_id,
        outcome,
        decisive.reason,
        tuple(dict.fromkeys(code for end in counting for code in end.findings)),
        expected_of(case_id, parameters).held_against_all(ends),
        tuple(trials),
        parameters.threshold(CASES[case_id].average_threshold),
    )
