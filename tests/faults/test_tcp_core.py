"""What a lane passes on, whole lists at a time; no sockets."""

from __future__ import annotations

import random

from gp_helpers.faults.delay_line import Delay
from gp_helpers.faults.tcp_core import Ending, Item, TcpFault, TcpLane


def passed(lane: TcpLane, now: float) -> list[Item]:
    return [departure.item for departure in lane.pop_due(now)]


def lane(**fault: object) -> TcpLane:
    return TcpLane(TcpFault(**fault), random.Random(0))  # type: ignore[arg-type]


def test_bytes_and_endings_pass_in_order() -> None:
    open_lane = lane()
    open_lane.receive(b"ab", 0)
    open_lane.receive(b"c", 0)
    open_lane.receive_end(0)
    assert passed(open_lane, 0) == [b"ab", b"c", Ending.END]


def test_a_half_open_lane_swallows_everything() -> None:
    half_open = lane(swallow=True)
    half_open.receive(b"lost", 0)
    half_open.receive_end(0)
    half_open.receive_reset(0)
    assert passed(half_open, 1e9) == []


def test_a_reset_comes_after_exactly_so_many_bytes() -> None:
    resetting = lane(reset_after_bytes=5)
    resetting.receive(b"abc", 0)
    resetting.receive(b"defgh", 0)
    assert passed(resetting, 0) == [b"abc", b"de", Ending.RESET]


def test_a_reset_after_no_bytes_comes_with_the_first() -> None:
    resetting = lane(reset_after_bytes=0)
    resetting.receive(b"abc", 0)
    assert passed(resetting, 0) == [Ending.RESET]


def test_a_slow_close_delays_only_the_end() -> None:
    slow = lane(close_delay_s=2.0)
    slow.receive(b"ab", 0)
    slow.receive_end(0)
    assert passed(slow, 1.9) == [b"ab"]
    assert slow.next_due() == 2.0
    assert passed(slow, 2.0) == [Ending.END]


def test_the_end_is_delayed_like_the_bytes_before_it() -> None:
    delayed = lane(delay=Delay(latency_s=1.0))
    delayed.receive(b"ab", 0)
    delayed.receive_end(0.5)
    assert passed(delayed, 1.0) == [b"ab"]
    assert passed(delayed, 1.5) == [Ending.END]


def test_a_changed_fault_leaves_what_is_held_as_it_was() -> None:
    changed = lane(delay=Delay(latency_s=1.0))
    changed.receive(b"before", 0)
    changed.set(TcpFault(swallow=True))
    changed.receive(b"after", 0)
    assert passed(changed, 1.0) == [b"before"]


def test_held_bytes_are_counted() -> None:
    held = lane(delay=Delay(latency_s=1.0))
    held.receive(b"abc", 0)
    assert held.bytes_held == 3
    held.pop_due(1.0)
    assert (held.bytes_held, held.bytes_passed) == (0, 3)
