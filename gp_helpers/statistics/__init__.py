"""Statistics of trials: numbers in, numbers out. Knows no histories and no cases."""

from gp_helpers.statistics.rates import SuccessRate, success_rate, trials_needed
from gp_helpers.statistics.robust import Ratio, robust_ratio, robust_slope
from gp_helpers.statistics.samples import Slope, Spread, percentile, slope, spread

__all__ = [
    "Ratio",
    "Slope",
    "Spread",
    "SuccessRate",
    "percentile",
    "robust_ratio",
    "robust_slope",
    "slope",
    "spread",
    "success_rate",
    "trials_needed",
]
