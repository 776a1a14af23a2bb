"""Success rates with exact intervals: "more than 95 %" is a claim about a rate, not about a count.

Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of the
binomial", Biometrika 26 (1934): the limits are quantiles of beta distributions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SuccessRate:
    """How many of how many independent trials succeeded, and what that says about the rate."""

    passed: int
    trials: int
    lower: float
    """Lower limit of the two-sided interval; 0 without trials."""
    upper: float
    """Upper limit of the two-sided interval; 1 without trials."""
    lower_one_sided: float
    """The rate is above this with the stated confidence; what "more than" is to be held against."""
    confidence: float

    @property
    def rate(self) -> float | None:
        """The observed share; None without trials."""
        return self.passed / self.trials if self.trials else None

    def supports_more_than(self, threshold: float) -> bool:
        """Whether the trials support, one-sided, that the rate is above ``threshold``."""
        return self.lower_one_sided > threshold

    def __str__(self) -> str:
        if self.rate is None:
            return "no trials"
        return (
            f"{self.passed} of {self.trials} ({self.rate:.0%}; "
            f"{self.confidence:.0%} interval {self.lower:.1%} to {self.upper:.1%})"
        )


def success_rate(passed: int, trials: int, *, confidence: float = 0.95) -> SuccessRate:
    """The rate of ``passed`` successes in ``trials`` independent trials.

    Raises ``ValueError`` for counts that cannot be and for a confidence outside (0, 1).
    """
    if not 0 <= passed <= trials:
        raise ValueError(f"{passed} of {trials} trials cannot have passed")
    if not 0 < confidence < 1:
        raise ValueError(f"a confidence lies between 0 and 1, not at {confidence}")
    alpha = 1 - confidence
    return SuccessRate(
        passed,
        trials,
        _lower(passed, trials, alpha / 2),
        1 - _lower(trials - passed, trials, alpha / 2),
        _lower(passed, trials, alpha),
        confidence,
    )


def _lower(passed: int, trials: int, alpha: float) -> float:
    """The rate at which so many passes or more have the probability ``alpha``."""
    if passed == 0:
        return 0.0
    if passed == trials:
        return float(alpha ** (1 / trials))
    from scipy.special import betaincinv  # takes a second to import

    return float(betaincinv(passed, trials - passed + 1, alpha))


def trials_needed(threshold: float, *, confidence: float = 0.95) -> int:
    """The number of straight passes that supports a rate above ``threshold``: 59 for 95 %."""
    if not 0 < threshold < 1:
        raise ValueError(f"a threshold lies between 0 and 1, not at {threshold}")
    count = max(1, math.floor(math.log(1 - confidence) / math.log(threshold)))
    while not (1 - confidence) ** (1 / count) > threshold:
        count += 1
    return count
