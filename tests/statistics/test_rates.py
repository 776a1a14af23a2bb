"""Success rates: the exact interval, and what a number of straight passes supports."""

import math

import pytest

from gp_helpers.statistics import success_rate, trials_needed


@pytest.mark.parametrize(
    ("passed", "trials"), [(0, 1), (1, 1), (0, 20), (7, 20), (20, 20), (58, 59)]
)
def test_the_interval_is_clopper_pearsons(passed: int, trials: int) -> None:
    from scipy.stats import binomtest  # a second, of every collection

    ours = success_rate(passed, trials)
    theirs = binomtest(passed, trials).proportion_ci(0.95, method="exact")
    assert (ours.lower, ours.upper) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    one_sided = binomtest(passed, trials, alternative="greater").proportion_ci(0.95, "exact")
    assert ours.lower_one_sided == pytest.approx(one_sided.low, abs=1e-12)


@pytest.mark.parametrize(
    ("trials", "supported"), [(20, False), (58, False), (59, True), (60, True)]
)
def test_59_straight_passes_support_more_than_95_percent(trials: int, supported: bool) -> None:
    assert success_rate(trials, trials).supports_more_than(0.95) is supported


def test_one_failure_in_59_does_not_support_it() -> None:
    assert not success_rate(58, 59).supports_more_than(0.95)


def test_how_many_straight_passes_are_needed() -> None:
    assert [trials_needed(share) for share in (0.5, 0.9, 0.95, 0.99)] == [5, 29, 59, 299]
    for share in (0.5, 0.9, 0.95, 0.99):
        needed = trials_needed(share)
        assert success_rate(needed, needed).supports_more_than(share)
        assert not success_rate(needed - 1, needed - 1).supports_more_than(share)


def test_no_trials_say_nothing() -> None:
    nothing = success_rate(0, 0)
    assert (nothing.rate, nothing.lower, nothing.upper) == (None, 0.0, 1.0)
    assert not nothing.supports_more_than(0.0)
    assert str(nothing) == "no trials"


def test_a_rate_reads_as_a_sentence() -> None:
    assert str(success_rate(18, 20)) == "18 of 20 (90%; 95% interval 68.3% to 98.8%)"


@pytest.mark.parametrize(
    ("passed", "trials", "confidence"), [(3, 2, 0.95), (-1, 2, 0.95), (1, 2, 1)]
)
def test_impossible_numbers_are_refused(passed: int, trials: int, confidence: float) -> None:
    with pytest.raises(ValueError, match=r"cannot have passed|between 0 and 1"):
        success_rate(passed, trials, confidence=confidence)
    assert math.isfinite(success_rate(1, 2).upper)
