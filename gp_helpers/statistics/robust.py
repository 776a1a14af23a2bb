"""A slope that outliers do not move: Theil's estimate with Sen's interval.

Sen, "Estimates of the regression coefficient based on Kendall's tau", JASA 63 (1968).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
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
