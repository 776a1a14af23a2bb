"""Percentiles of durations, and slopes with their intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean


def percentile(values: Sequence[float], percent: float) -> float:
    """The percentile, interpolated between the two nearest values; ``percent`` from 0 to 100."""
    if not values:
        raise ValueError("no values")
    if not 0 <= percent <= 100:
        raise ValueError(f"a percentile lies between 0 and 100, not at {percent}")
    ordered = sorted(values)
    place = (len(ordered) - 1) * percent / 100
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


@dataclass(frozen=True, slots=True)
class Spread:
    """How values are spread."""

    count: int
    least: float
    p50: float
    p95: float
    p99: float
    most: float
    mean: float


def spread(values: Sequence[float]) -> Spread:
    """The usual percentiles, the ends and the mean; raises ``ValueError`` without values."""
    return Spread(
        len(values),
        percentile(values, 0),
        percentile(values, 50),
        percentile(values, 95),
        percentile(values, 99),
        percentile(values, 100),
        fmean(values),
    )


@dataclass(frozen=True, slots=True)
class Slope:
    """The slope of a straight line through points, by least squares."""

    value: float
    """Units of y for each unit of x."""
    lower: float
    upper: float
    """Limits of the two-sided interval; infinite with two points."""
    intercept: float
    count: int
    confidence: float

    @property
    def is_zero(self) -> bool:
        """Whether zero lies in the interval: no growth can be told from these points."""
        return self.lower <= 0 <= self.upper

    @property
    def is_growth(self) -> bool:
        """Whether the whole interval lies above zero."""
        return self.lower > 0


def slope(x: Sequence[float], y: Sequence[float], *, confidence: float = 0.95) -> Slope:
    """The slope of y over x with its interval (Student's t).

    Raises ``ValueError`` for fewer than two points, unequal lengths, or x that does not vary.
    """
    if len(x) != len(y) or len(x) < 2:
        raise ValueError(f"a slope needs two points or more: {len(x)} x, {len(y)} y")
    mean_x, mean_y = fmean(x), fmean(y)
    across = sum((one - mean_x) ** 2 for one in x)
    if across == 0:
        raise ValueError("a slope needs x that varies")
    value = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / across
    intercept = mean_y - value * mean_x
    freedom = len(x) - 2
    if freedom == 0:
        return Slope(value, -math.inf, math.inf, intercept, len(x), confidence)
    from scipy.special import stdtrit  # takes a second to import

    residual = sum((b - intercept - value * a) ** 2 for a, b in zip(x, y, strict=True))
    error = math.sqrt(residual / freedom / across)
    reach = float(stdtrit(freedom, 1 - (1 - confidence) / 2)) * error
    return Slope(value, value - reach, value + reach, intercept, len(x), confidence)
