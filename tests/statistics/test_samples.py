"""Percentiles and slopes against numpy's and SciPy's."""

import math
import random

import numpy
import pytest

from gp_helpers.statistics import percentile, slope, spread


def test_percentiles_are_numpys() -> None:
    source = random.Random(7)
    for count in (1, 2, 5, 100):
        values = [source.gauss(0, 1) for _ in range(count)]
        for percent in (0, 2.5, 50, 95, 100):
            assert percentile(values, percent) == pytest.approx(numpy.percentile(values, percent))


def test_the_spread_of_values() -> None:
    seen = spread([4.0, 1.0, 2.0, 3.0])
    assert (seen.count, seen.least, seen.p50, seen.most, seen.mean) == (4, 1.0, 2.5, 4.0, 2.5)


def test_a_slope_and_its_interval_are_scipys() -> None:
    from scipy.stats import linregress, t  # a second, of every collection

    source = random.Random(11)
    x = list(range(30))
    y = [3 + 0.5 * value + source.gauss(0, 1) for value in x]
    ours, theirs = slope(x, y), linregress(x, y)
    reach = t.ppf(0.975, 28) * theirs.stderr
    assert (ours.value, ours.lower, ours.upper) == pytest.approx(
        (theirs.slope, theirs.slope - reach, theirs.slope + reach)
    )
    assert ours.is_growth
    assert not ours.is_zero


def test_noise_without_growth_is_no_growth() -> None:
    flat = slope([0, 1, 2, 3, 4, 5], [1.0, 1.1, 0.9, 1.05, 0.95, 1.0])
    assert flat.is_zero
    assert not flat.is_growth


def test_a_constant_has_slope_zero_exactly() -> None:
    constant = slope([0, 1, 2, 3], [5, 5, 5, 5])
    assert (constant.value, constant.lower, constant.upper) == (0, 0, 0)
    assert constant.is_zero


def test_two_points_have_a_slope_and_no_interval() -> None:
    two = slope([0, 1], [0, 2])
    assert (two.value, two.lower, two.upper) == (2, -math.inf, math.inf)


@pytest.mark.parametrize(("x", "y"), [([], []), ([1], [1]), ([1, 2], [1]), ([3, 3], [1, 2])])
def test_what_has_no_slope_is_refused(x: list[float], y: list[float]) -> None:
    with pytest.raises(ValueError, match="a slope needs"):
        slope(x, y)


def test_no_values_have_no_percentile() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)
    with pytest.raises(ValueError, match="between 0 and 100"):
        percentile([1], 101)
