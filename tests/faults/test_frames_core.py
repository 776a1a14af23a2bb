"""What the frame proxy decides, without sockets: whole sequences in, whole sequences out."""

from __future__ import annotations

import json
import random

import pytest
from websockets.frames import Close, Frame, Opcode

from gp_helpers.faults import (
    CloseWith,
    Delay,
    DelayFrame,
    Direction,
    DropFrame,
    DuplicateFrame,
    Fate,
    FrameMatch,
    FramePlan,
    FrameRecord,
    HoldUntilPassed,
    InterventionNotAllowed,
    ReorderFrame,
)
from gp_helpers.faults.frames_core import MOST_FRAGMENTS, FrameExchange, MessageTooBig
from gp_helpers.faults.tcp_core import Ending

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT


class Wire:
    """An exchange with one-word messages; ``pop`` gives what left as words."""

    def __init__(self) -> None:
        self.plan = FramePlan()
        self.records: list[FrameRecord] = []
        self.exchange = FrameExchange(
            1, self.plan, self.records.append, max_message_bytes=100, seed=random.Random(1)
        )

    def send(self, *words: str, direction: Direction = DOWN, now: float = 0.0) -> list[str]:
        for word in words:
            data = json.dumps({"type": word}).encode()
            self.exchange.receive(direction, Frame(Opcode.TEXT, data), now)
        return self.pop(now)

    def pop(self, now: float) -> list[str]:
        return [_word(leaving) for _, leaving in self.exchange.pop_due(now)]

    def fates(self) -> list[tuple[str | None, Fate]]:
        return [(record.json_type, record.fate) for record in self.records]


def _word(leaving: Frame | Ending) -> str:
    if isinstance(leaving, Ending):
        return leaving.value
    if leaving.opcode is Opcode.CLOSE:
        return f"close {Close.parse(leaving.data).code}"
    return str(json.loads(bytes(leaving.data))["type"])


@pytest.fixture
def wire() -> Wire:
    return Wire()


def test_what_is_not_planned_passes_in_order(wire: Wire) -> None:
    assert wire.send("a", "b", "c") == ["a", "b", "c"]
    assert wire.fates() == [("a", Fate.PASSED), ("b", Fate.PASSED), ("c", Fate.PASSED)]


def test_only_the_nth_of_a_type_in_one_direction_is_dropped(wire: Wire) -> None:
    wire.plan.add(DropFrame(), FrameMatch(direction=DOWN, json_type="b", nth=2))
    assert wire.send("b", direction=UP) == ["b"]
    assert wire.send("b", "a", "b", "b") == ["b", "a", "b"]
    assert [record.number for record in wire.records if record.fate is Fate.DROPPED] == [3]


def test_only_one_connection_is_meant_where_one_is_named(wire: Wire) -> None:
    other = Wire()
    other.exchange = FrameExchange(
        2, wire.plan, other.records.append, max_message_bytes=100, seed=random.Random(2)
    )
    wire.plan.add(DropFrame(), FrameMatch(connection=2), times=None)
    assert wire.send("a") == ["a"]
    assert other.send("a") == []


def test_a_condition_of_ones_own_chooses_messages(wire: Wire) -> None:
    wire.plan.add(DropFrame(), FrameMatch(where=lambda message: b"b" in message.payload))
    assert wire.send("a", "b", "b") == ["a", "b"]


def test_what_is_not_allowed_is_not_planned(wire: Wire) -> None:
    wire.plan.allowed = frozenset({"drop"})
    wire.plan.add(DropFrame())
    with pytest.raises(InterventionNotAllowed, match="duplicate"):
        wire.plan.add(DuplicateFrame())
    assert wire.send("a", "b") == ["b"]


def test_an_opcode_is_matched_and_control_frames_are_messages_too(wire: Wire) -> None:
    wire.plan.add(DropFrame(), FrameMatch(opcode=Opcode.PING), times=None)
    wire.exchange.receive(DOWN, Frame(Opcode.PING, b"1"), 0.0)
    wire.exchange.receive(DOWN, Frame(Opcode.PONG, b"1"), 0.0)
    assert [frame.opcode for _, frame in wire.exchange.pop_due(0.0)] == [Opcode.PONG]  # type: ignore[union-attr]


def test_a_delayed_message_holds_up_its_own_direction_only(wire: Wire) -> None:
    wire.plan.add(DelayFrame(0.5), FrameMatch(direction=DOWN, json_type="a"))
    assert wire.send("a", "b") == []
    assert wire.send("up", direction=UP) == ["up"]
    assert wire.exchange.next_due() == 0.5
    assert wire.pop(0.5) == ["a", "b"]
    assert [record.requested_s for record in wire.records] == [0.0, 0.5, 0.5]


def test_a_direction_has_latency_of_its_own(wire: Wire) -> None:
    wire.exchange.set_delay(UP, Delay(latency_s=0.1))
    assert wire.send("up", direction=UP) == []
    assert wire.send("down") == ["down"]
    assert wire.pop(0.1) == ["up"]


def test_a_message_is_duplicated_right_behind_itself(wire: Wire) -> None:
    wire.plan.add(DuplicateFrame(2), FrameMatch(json_type="a"))
    assert wire.send("a", "b") == ["a", "a", "a", "b"]


@pytest.mark.parametrize(
    ("overtaken_by", "order"), [(1, ["b", "a", "c"]), (2, ["b", "c", "a"]), (3, ["b", "c"])]
)
def test_so_many_messages_overtake_a_reordered_one(
    wire: Wire, overtaken_by: int, order: list[str]
) -> None:
    wire.plan.add(ReorderFrame(overtaken_by), FrameMatch(json_type="a"))
    assert wire.send("a", "b", "c") == order


def test_an_overtaken_message_goes_before_the_direction_ends(wire: Wire) -> None:
    wire.plan.add(ReorderFrame(5), FrameMatch(json_type="a"))
    wire.send("a", "b")
    wire.exchange.receive_end(DOWN, Ending.END, 0.0)
    assert wire.pop(0.0) == ["a", "end"]


def test_a_held_message_waits_for_one_of_the_other_direction_and_is_overtaken(wire: Wire) -> None:
    hold = HoldUntilPassed(until=FrameMatch(direction=UP, json_type="go", nth=2))
    wire.plan.add(hold, FrameMatch(direction=DOWN, json_type="a"))
    assert wire.send("a", "b") == ["b"]
    assert wire.send("go", direction=UP, now=1.0) == ["go"]
    assert wire.send("go", direction=UP, now=2.0) == ["go", "a"]
    assert wire.records[-1].requested_s is None
    assert wire.records[-1].achieved_s == 2.0


def test_a_held_message_that_keeps_order_holds_up_what_is_behind_it(wire: Wire) -> None:
    hold = HoldUntilPassed(until=FrameMatch(json_type="go"), keeps_order=True)
    wire.plan.add(hold, FrameMatch(json_type="a"))
    assert wire.send("a", "b", "c") == []
    assert wire.send("go", direction=UP) == ["go", "a", "b", "c"]


def test_what_has_passed_already_is_not_waited_for(wire: Wire) -> None:
    wire.plan.add(HoldUntilPassed(until=FrameMatch(json_type="go")), FrameMatch(json_type="a"))
    assert wire.send("go", direction=UP) == ["go"]
    assert wire.send("a") == ["a"]


def test_a_hold_gives_up_in_time_and_says_so(wire: Wire) -> None:
    hold = HoldUntilPassed(until=FrameMatch(json_type="never"), give_up_after_s=0.3)
    wire.plan.add(hold, FrameMatch(json_type="a"))
    assert wire.send("a") == []
    assert wire.exchange.next_due() == 0.3
    assert wire.pop(0.3) == ["a"]
    assert wire.fates() == [("a", Fate.GAVE_UP)]


def test_what_is_held_when_its_direction_ends_is_lost_and_on_record(wire: Wire) -> None:
    wire.plan.add(HoldUntilPassed(until=FrameMatch(json_type="never")), FrameMatch(json_type="a"))
    wire.send("a")
    wire.exchange.receive(DOWN, Frame(Opcode.CLOSE, Close(1000, "").serialize()), 0.0)
    assert wire.pop(0.0) == ["close 1000"]
    assert wire.fates() == [("a", Fate.LOST), (None, Fate.PASSED)]
    assert wire.exchange.bytes_held(DOWN) == 0


@pytest.mark.parametrize("keeps_order", [True, False])
def test_a_reset_overtakes_what_is_held_and_that_is_lost(wire: Wire, keeps_order: bool) -> None:
    hold = HoldUntilPassed(until=FrameMatch(json_type="never"), keeps_order=keeps_order)
    wire.plan.add(hold, FrameMatch(json_type="a"))
    wire.plan.add(hold, FrameMatch(json_type="b"))
    assert wire.send("a", "b") == []
    wire.exchange.receive_end(DOWN, Ending.RESET, 0.0)
    assert wire.pop(0.0) == ["reset"]
    assert wire.fates() == [("a", Fate.LOST), ("b", Fate.LOST)]
    assert wire.exchange.bytes_held(DOWN) == 0


def test_taking_the_plan_back_lets_everything_go(wire: Wire) -> None:
    wire.plan.add(HoldUntilPassed(until=FrameMatch(json_type="never")), FrameMatch(json_type="a"))
    assert wire.send("a") == []
    wire.plan.clear()
    assert wire.pop(0.0) == ["a"]


def test_a_planned_close_goes_to_both_sides_and_nothing_after_it(wire: Wire) -> None:
    wire.plan.add(CloseWith(4001, "planned"), FrameMatch(json_type="b"))
    assert wire.send("a", "b", "c") == ["a", "close 4001", "close 4001"]
    assert wire.send("up", direction=UP) == []
    wire.exchange.receive(UP, Frame(Opcode.CLOSE, b""), 0.0)
    assert wire.exchange.pop_due(0.0) == [(DOWN, Ending.END)]


def test_fragments_are_one_message_and_stay_fragments(wire: Wire) -> None:
    wire.plan.add(DuplicateFrame(), FrameMatch(json_type="a"))
    parts = [
        Frame(Opcode.TEXT, b'{"type"', fin=False),
        Frame(Opcode.PING, b""),
        Frame(Opcode.CONT, b': "a"}', fin=True),
    ]
    for part in parts:
        wire.exchange.receive(DOWN, part, 0.0)
    left = [frame for _, frame in wire.exchange.pop_due(0.0)]
    assert left == [parts[1], parts[0], parts[2], parts[0], parts[2]]


def test_empty_fragments_without_end_are_refused(wire: Wire) -> None:
    wire.exchange.receive(DOWN, Frame(Opcode.TEXT, b"", fin=False), 0.0)
    empty = Frame(Opcode.CONT, b"", fin=False)
    for _ in range(MOST_FRAGMENTS - 1):
        wire.exchange.receive(DOWN, empty, 0.0)
    with pytest.raises(MessageTooBig):
        wire.exchange.receive(DOWN, empty, 0.0)


def test_many_small_messages_that_are_held_count_for_more_than_their_payload(wire: Wire) -> None:
    wire.exchange.set_delay(DOWN, Delay(latency_s=60))
    for _ in range(1000):
        wire.exchange.receive(DOWN, Frame(Opcode.PING, b""), 0.0)
    assert wire.exchange.bytes_held(DOWN) > 100_000
    assert len(wire.exchange.pop_due(61.0)) == 1000
    assert wire.exchange.bytes_held(DOWN) == 0


def test_fragments_that_grow_without_end_are_refused(wire: Wire) -> None:
    wire.exchange.receive(DOWN, Frame(Opcode.TEXT, b"x" * 60, fin=False), 0.0)
    with pytest.raises(MessageTooBig):
        wire.exchange.receive(DOWN, Frame(Opcode.CONT, b"x" * 60, fin=False), 0.0)


@pytest.mark.parametrize(
    "data",
    [b"no json", b"[1]", b'{"type": 3}', b"\xff", b"[" * 90],
    ids=lambda data: repr(data[:9]),
)
def test_what_has_no_json_type_passes_without_one(wire: Wire, data: bytes) -> None:
    wire.exchange.receive(DOWN, Frame(Opcode.TEXT, data), 0.0)
    [(_, frame)] = wire.exchange.pop_due(0.0)
    assert frame == Frame(Opcode.TEXT, data)
    assert wire.records[0].json_type is None


def test_a_plan_counts_what_it_was_applied_to(wire: Wire) -> None:
    planned = wire.plan.add(DropFrame(), FrameMatch(json_type="a"), times=2)
    assert wire.send("a", "a", "a") == ["a"]
    assert planned.applied_to == [(1, DOWN, 1), (1, DOWN, 2)]
