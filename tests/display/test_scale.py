"""Each step has a scale of its own; idle time is left out, and moments keep their order."""

from itertools import pairwise

import pytest

from gp_helpers.display.timeline.scale import Band, Scale, scale_of


def scale(*bands: tuple[float, float, list[float]]) -> Scale:
    return scale_of([Band(f"step {b}", b, e, times) for b, e, times in bands], 100, 900)


def test_bands_fill_the_width_in_order() -> None:
    made = scale((0.0, 0.1, [0.05]), (0.1, 5.0, [1.0, 2.0]), (5.0, 5.001, []))
    assert made.bands[0].left == 100
    assert made.bands[-1].right == pytest.approx(900)
    for before, after in pairwise(made.bands):
        assert before.right == pytest.approx(after.left)
    assert min(band.right - band.left for band in made.bands) >= 82


def test_moments_keep_their_order() -> None:
    moments = [0.0, 0.01, 0.02, 0.5, 3.0, 3.01, 3.2, 9.0]
    made = scale((0.0, 0.5, moments[:4]), (0.5, 9.0, moments[4:]))
    places = [made.x(moment) for moment in moments]
    assert places == sorted(places)
    assert len(set(places)) == len(places)


def test_idle_time_takes_the_same_small_room_however_long_it_is() -> None:
    def gap(idle: float) -> float:
        made = scale((0.0, idle + 0.2, [0.0, 0.05, 0.1, idle + 0.1, idle + 0.2]))
        return made.x(idle + 0.1) - made.x(0.1)

    assert gap(2.0) == pytest.approx(gap(200.0))
    assert gap(200.0) == pytest.approx(20)


def test_a_step_that_findings_rest_on_gets_more_room() -> None:
    quiet, telling = Band("quiet", 0.0, 1.0, [0.5]), Band("telling", 1.0, 2.0, [1.5], grounds=5)
    scale_of([quiet, telling], 100, 900)
    assert telling.right - telling.left > 1.5 * (quiet.right - quiet.left)


def test_ticks_are_round_numbers_of_milliseconds_that_do_not_touch() -> None:
    made = scale((0.0, 1.0, [number / 20 for number in range(20)]))
    ticks = made.bands[0].ticks()
    assert len(ticks) >= 3
    assert all(float(label) % 10 == 0 for _, label in ticks)
    assert all(after[0] - before[0] >= 44 for before, after in pairwise(ticks))
    assert all(made.x(float(label) / 1000) == pytest.approx(at) for at, label in ticks)


def test_a_step_in_which_nothing_takes_time_is_drawn_too() -> None:
    made = scale((1.0, 1.0, [1.0]))
    assert 100 <= made.x(1.0) <= 900
