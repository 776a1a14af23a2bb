"""Estimates that outliers do not move: a slope, and a ratio, each with its interval.

Sen, "Estimates of the regression coefficient based on Kendall's tau", JASA 63 (1968); Hodges and
Lehmann, "Estimates of location based on rank tests", Annals of Mathematical Statistics 34 (1963).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, median

from gp_helpers.statistics.samples import Slope


def robust_slope(x: Sequence[float], y: Sequence[float], *, confidence: float = 0.95) -> Slope:
    """The median of the slopes between all pairs of points, with its interval.

    Raises ``ValueError`` for fewer than two points, unequal lengths, or x that does not vary.
    """
    count = len(x)
    if count != len(y) or count < 2:
        raise ValueError(f"a slope needs two points or more: {count} x, {len(y)} y")
    slopes = sorted(
        (y[j] - y[i]) / (x[j] - x[i])
        for i in range(count)
        for j in range(i + 1, count)
        if x[j] != x[i]
    )
    if not slopes:
        raise ValueError("a slope needs x that varies")
    value = median(slopes)
    intercept = median(b - value * a for a, b in zip(x, y, strict=True))
    spread = math.sqrt(count * (count - 1) * (2 * count + 5) / 18)
    reach = NormalDist().inv_cdf(1 - (1 - confidence) / 2) * spread
    lower = math.floor((len(slopes) - reach) / 2)
    upper = math.ceil((len(slopes) + reach) / 2)
    return Slope(
        value,
        slopes[lower] if lower >= 0 else -math.inf,
        slopes[upper] if upper < len(slopes) else math.inf,
        intercept,
        count,
        confidence,
    )


@dataclass(frozen=True, slots=True)
class Ratio:
    """By what factor one sample is larger than another."""

    value: float
    lower: float
    upper: float
    """Limits of the two-sided interval; 0 and infinity where the samples are too small."""
    confidence: float


def robust_ratio(
    numerators: Sequence[float], denominators: Sequence[float], *, confidence: float = 0.95
) -> Ratio:
    """The median of all ratios between two samples of positive numbers, with its interval.

    Raises ``ValueError`` for an empty sample, or a number that is not positive.
    """
    if not numerators or not denominators:
        raise ValueError("a ratio needs two samples")
    if min(*numerators, *denominators) <= 0:
        raise ValueError("a ratio needs positive numbers")
    ratios = sorted(above / below for above in numerators for below in denominators)
    m, n = len(numerators), len(denominators)
    reach = NormalDist().inv_cdf(1 - (1 - confidence) / 2) * math.sqrt(m * n * (m + n + 1) / 12)
    lower = math.floor(m * n / 2 - reach) - 1
    upper = math.ceil(m * n / 2 + reach)
    return Ratio(
        median(ratios),
        ratios[lower] if lower >= 0 else 0.0,
        ratios[upper] if upper < len(ratios) else math.inf,
        confidence,
    )
