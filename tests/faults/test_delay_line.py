"""What a delay line gives back, and when; time is a number here."""

from __future__ import annotations

import random

import pytest

from gp_helpers.faults.delay_line import Delay, DelayLine, Departure


def line(**delay: float) -> DelayLine[str]:
    made: DelayLine[str] = DelayLine(random.Random(7))
    made.delay = Delay(**delay)
    return made


def test_without_delay_items_are_due_at_once() -> None:
    held = line()
    held.push("a", 1, 5.0)
    assert held.next_due() == 5.0
    assert held.pop_due(5.0) == [Departure("a", 5.0, 5.0)]
    assert held.next_due() is None


def test_latency_moves_items_and_keeps_their_distance() -> None:
    held = line(latency_s=1.0)
    held.push("a", 1, 0.0)
    held.push("b", 1, 0.25)
    assert held.pop_due(0.99) == []
    assert held.pop_due(1.0) == [Departure("a", 0.0, 1.0)]
    assert held.pop_due(9.0) == [Departure("b", 0.25, 1.25)]


def test_jitter_is_seeded_bounded_and_keeps_the_order() -> None:
    def dues() -> list[float]:
        held = line(latency_s=0.1, jitter_s=0.5)
        for number in range(50):
            held.push(str(number), 1, number * 0.01)
        return [departure.due_at for departure in held.pop_due(100)]

    first = dues()
    assert first == dues()
    assert first == sorted(first)
    assert len({round(due, 6) for due in first}) > 3
    assert all(0.1 <= due - n * 0.01 <= 0.6 + 1e-9 for n, due in enumerate(first))


def test_bandwidth_makes_items_wait_for_those_before() -> None:
    held = line(bytes_per_s=100)
    held.push("a", 50, 0.0)
    held.push("b", 100, 0.0)
    held.push("c", 100, 10.0)
    assert [one.due_at for one in held.pop_due(99)] == [0.5, 1.5, 11.0]


def test_a_shorter_delay_does_not_let_later_items_overtake() -> None:
    held = line(latency_s=1.0)
    held.push("slow", 1, 0.0)
    held.delay = Delay()
    held.push("fast", 1, 0.5)
    assert [one.item for one in held.pop_due(1.0)] == ["slow", "fast"]


@pytest.mark.parametrize("bad", [{"latency_s": -1}, {"jitter_s": -1}, {"bytes_per_s": 0}])
def test_impossible_delays_are_errors(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"negative|above 0"):
        Delay(**bad)
