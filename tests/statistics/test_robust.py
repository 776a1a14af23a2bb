"""Robust slopes and ratios against SciPy's, and what an outlier does to them."""

import math
import random

import pytest

from gp_helpers.statistics import robust_ratio, robust_slope


def test_a_robust_slope_is_theils() -> None:
    from scipy.stats import theilslopes  # a second, of every collection

    source = random.Random(3)
    x = [float(value) for value in range(20)]
    y = [1 + 0.7 * value + source.gauss(0, 2) for value in x]
    ours, theirs = robust_slope(x, y), theilslopes(y, x, 0.95)
    assert ours.value == pytest.approx(theirs.slope)
    assert ours.lower <= theirs.low_slope + 0.05
    assert ours.upper >= theirs.high_slope - 0.05
    assert ours.is_growth


def test_one_outlier_does_not_make_growth() -> None:
    x = [float(value) for value in range(12)]
    y = [10.0, 11.0, 9.0, 10.5, 9.5, 10.0, 11.0, 9.0, 10.5, 9.5, 10.0, 900.0]
    assert robust_slope(x, y, confidence=0.99).is_zero


def test_the_interval_of_two_points_is_infinite() -> None:
    found = robust_slope([0.0, 1.0], [1.0, 3.0])
    assert (found.value, found.lower, found.upper) == (2.0, -math.inf, math.inf)


def test_a_slope_needs_x_that_varies() -> None:
    with pytest.raises(ValueError, match="varies"):
        robust_slope([1.0, 1.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="two points"):
        robust_slope([1.0], [1.0])


def test_a_robust_ratio_and_its_interval() -> None:
    source = random.Random(5)
    below = [source.uniform(9, 11) for _ in range(15)]
    above = [2 * source.uniform(9, 11) for _ in range(15)]
    above[0] = 10_000.0
    found = robust_ratio(above, below, confidence=0.99)
    assert found.value == pytest.approx(2.0, rel=0.05)
    assert 1.7 < found.lower < 2 < found.upper < 2.2


def test_the_interval_covers_the_true_ratio_as_often_as_it_says() -> None:
    source = random.Random(17)
    covered = 0
    for _ in range(400):
        below = [source.lognormvariate(0, 0.4) for _ in range(9)]
        above = [1.5 * source.lognormvariate(0, 0.4) for _ in range(9)]
        found = robust_ratio(above, below, confidence=0.95)
        covered += found.lower <= 1.5 <= found.upper
    assert covered >= 0.93 * 400


def test_small_samples_have_no_limits_and_bad_ones_are_refused() -> None:
    found = robust_ratio([2.0], [1.0])
    assert (found.value, found.lower, found.upper) == (2.0, 0.0, math.inf)
    with pytest.raises(ValueError, match="two samples"):
        robust_ratio([], [1.0])
    with pytest.raises(ValueError, match="positive"):
        robust_ratio([1.0], [0.0])
