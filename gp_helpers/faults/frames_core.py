"""The two directions of one WebSocket connection at a proxy, decided without I/O.

An exchange is told which frames arrive and when; it says which leave, and when to ask again. Delays
come first, as on a wire; then, at the exit, what the plan says.
"""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from websockets.frames import CTRL_OPCODES, Close, Frame, Opcode

from gp_helpers.faults.delay_line import Delay, DelayLine, Direction
from gp_helpers.faults.frames_plan import (
    NAMES,
    CloseWith,
    DelayFrame,
    DropFrame,
    DuplicateFrame,
    FramePlan,
    HoldUntilPassed,
    PlannedFrame,
    ReorderFrame,
    WireMessage,
)
from gp_helpers.faults.tcp_core import Ending

MOST_FRAGMENTS = 10_000
"""A message in more parts, empty ones included, is not put together."""
BYTES_BESIDE = 256
"""What a message takes beside its payload, so that many small ones count as well."""


class MessageTooBig(Exception):
    """Raised when a message in fragments grows beyond what the proxy holds."""


class Fate(Enum):
    """What became of a message."""

    PASSED = "passed"
    DROPPED = "dropped"
    """By the plan."""
    GAVE_UP = "gave_up"
    """Passed, although what it was held for had not passed in time."""
    LOST = "lost"
    """Still held when its direction ended."""


@dataclass(frozen=True, slots=True)
class FrameRecord:
    """What became of one message, and how long it really took; never what is in it."""

    connection: int
    direction: Direction
    number: int
    opcode: Opcode
    json_type: str | None
    size: int
    at: float
    """When it was decided, on the loop's clock."""
    requested_s: float | None
    """The delay that it was given; ``None`` if it waited for other messages."""
    achieved_s: float
    fate: Fate
    intervention: str | None


@dataclass(slots=True)
class _Item:
    message: WireMessage
    planned: PlannedFrame | None
    requested_s: float | None = None
    deadline: float | None = None
    overtakers_left: int = 0

    @property
    def is_free(self) -> bool:
        return self.planned is not None and self.planned.is_open


class _Lane:
    """One direction: a delay line, and what stands aside at its exit."""

    def __init__(self, direction: Direction, random_source: random.Random) -> None:
        self.direction = direction
        self.line: DelayLine[_Item | Ending] = DelayLine(random_source)
        self.messages = 0
        self.bytes_held = 0
        self.fragments: list[Frame] = []
        self.fragment_bytes = 0
        self.held: list[_Item] = []
        self.overtaken: list[_Item] = []
        self.blocker: _Item | None = None
        self.behind: deque[_Item | Ending] = deque()
        """What waits behind the blocker."""

    def deadlines(self) -> list[float]:
        waiting = [*self.held, self.blocker] if self.blocker is not None else self.held
        return [item.deadline for item in waiting if item and item.deadline is not None]


Departing = tuple[Direction, Frame | Ending]


class FrameExchange:
    """One connection: frames in, frames out, each direction independent."""

    def __init__(
        self,
        connection: int,
        plan: FramePlan,
        note: Callable[[FrameRecord], None],
        *,
        max_message_bytes: int,
        seed: random.Random,
    ) -> None:
        self.is_closing = False
        """Whether the plan has closed the connection."""
        self._connection = connection
        self._plan = plan
        self._note = note
        self._max_message_bytes = max_message_bytes
        self._lanes = {
            direction: _Lane(direction, random.Random(seed.random())) for direction in Direction
        }
        self._leaving: list[Departing] = []

    def set_delay(self, direction: Direction, delay: Delay) -> None:
        """Delay every message that arrives in a direction from now on."""
        self._lanes[direction].line.delay = delay

    def bytes_held(self, direction: Direction) -> int:
        """What was taken in and has not left, with what each message takes beside its payload."""
        return self._lanes[direction].bytes_held

    # What arrives

    def receive(self, direction: Direction, frame: Frame, now: float) -> None:
        """A frame has arrived; raises `MessageTooBig`."""
        lane = self._lanes[direction]
        if self.is_closing:
            if frame.opcode is Opcode.CLOSE:
                self._leaving.append((direction.opposite, Ending.END))
            return
        size = len(frame.data)
        is_control = frame.opcode in CTRL_OPCODES
        if is_control or (frame.fin and not lane.fragments):
            self._arrive(lane, (frame,), size, now)
        else:
            lane.fragments.append(frame)
            lane.fragment_bytes += size
            is_too_big = lane.fragment_bytes > self._max_message_bytes
            if is_too_big or len(lane.fragments) > MOST_FRAGMENTS:
                lane.fragments, lane.fragment_bytes = [], 0
                raise MessageTooBig
            if frame.fin:
                frames, size = tuple(lane.fragments), lane.fragment_bytes
                lane.fragments, lane.fragment_bytes = [], 0
                self._arrive(lane, frames, size, now)

    def _arrive(self, lane: _Lane, frames: tuple[Frame, ...], size: int, now: float) -> None:
        lane.messages += 1
        message = WireMessage(self._connection, lane.direction, lane.messages, frames, size, now)
        planned = self._plan.next_for(message)
        extra = 0.0
        if planned is not None:
            if isinstance(planned.intervention, DropFrame):
                self._record(_Item(message, planned), Fate.DROPPED, now)
                return
            if isinstance(planned.intervention, DelayFrame):
                extra = planned.intervention.seconds
        lane.bytes_held += size + BYTES_BESIDE
        lane.line.push(_Item(message, planned), size, now, extra_s=extra)

    def receive_end(self, direction: Direction, ending: Ending, now: float) -> None:
        """The sender of a direction has closed or reset its connection."""
        if self.is_closing:
            self._leaving.append((direction.opposite, Ending.END))
        else:
            self._lanes[direction].line.push(ending, 0, now)

    # What leaves

    def pop_due(self, now: float) -> list[Departing]:
        """Return what leaves now, in order."""
        for lane in self._lanes.values():
            if lane.held or lane.blocker is not None:
                self._release(lane, now)
            for departure in lane.line.pop_due(now):
                item = departure.item
                if isinstance(item, _Item):
                    item.requested_s = departure.requested_s
                self._exit(lane, item, now)
        leaving, self._leaving = self._leaving, []
        return leaving

    def next_due(self) -> float | None:
        """When to ask again; ``None``: when something arrives."""
        due: float | None = None
        for lane in self._lanes.values():
            times = [lane.line.next_due()]
            if lane.held or lane.blocker is not None:
                times += lane.deadlines()
            for time in times:
                if time is not None and (due is None or time < due):
                    due = time
        return due

    def _exit(self, lane: _Lane, item: _Item | Ending, now: float) -> None:
        if self.is_closing:
            return
        if item is Ending.RESET:
            # As with TCP, it overtakes whatever has not arrived yet, and that is lost.
            self._lose_waiting(lane, now)
            self._leaving.append((lane.direction, item))
            return
        if lane.blocker is not None:
            lane.behind.append(item)
            return
        if isinstance(item, Ending):
            self._end(lane, now)
            self._leaving.append((lane.direction, item))
            return
        if item.message.opcode is Opcode.CLOSE:
            self._end(lane, now)
        match item.planned.intervention if item.planned is not None else None:
            case HoldUntilPassed() as hold if not item.is_free:
                if hold.give_up_after_s is not None:
                    item.deadline = now + hold.give_up_after_s
                if hold.keeps_order:
                    lane.blocker = item
                else:
                    lane.held.append(item)
            case ReorderFrame(overtakers):
                item.overtakers_left = overtakers
                lane.overtaken.append(item)
            case CloseWith(code, reason):
                self._record(item, Fate.DROPPED, now)
                self._close(Close(code, reason), now)
            case DuplicateFrame(copies):
                for _ in range(1 + copies):
                    self._leave(lane, item, Fate.PASSED, now)
                self._count_overtaker(lane, now)
            case _:
                self._leave(lane, item, Fate.PASSED, now)
                self._count_overtaker(lane, now)

    def _count_overtaker(self, lane: _Lane, now: float) -> None:
        """A message has left: let go those of the overtaken for which that is enough."""
        for item in list(lane.overtaken):
            item.overtakers_left -= 1
            if item.overtakers_left <= 0:
                lane.overtaken.remove(item)
                self._leave(lane, item, Fate.PASSED, now)

    def _leave(self, lane: _Lane, item: _Item, fate: Fate, now: float) -> None:
        self._leaving += [(lane.direction, frame) for frame in item.message.frames]
        self._record(item, fate, now)
        lane.bytes_held = max(0, lane.bytes_held - item.message.size - BYTES_BESIDE)
        if self._plan.note_passed(item.message):
            for each in self._lanes.values():
                self._release(each, now)

    def _release(self, lane: _Lane, now: float) -> None:
        """Let go what was held, where its time has come."""
        for item in list(lane.held):
            fate = self._fate_of_held(item, now)
            if fate is not None and item in lane.held:
                lane.held.remove(item)
                self._leave(lane, item, fate, now)
        blocker = lane.blocker
        fate = self._fate_of_held(blocker, now) if blocker is not None else None
        if blocker is None or fate is None:
            return
        lane.blocker = None
        self._leave(lane, blocker, fate, now)
        behind, lane.behind = lane.behind, deque()
        for item_or_ending in behind:
            self._exit(lane, item_or_ending, now)

    @staticmethod
    def _fate_of_held(item: _Item, now: float) -> Fate | None:
        if item.is_free:
            return Fate.PASSED
        if item.deadline is not None and item.deadline <= now:
            return Fate.GAVE_UP
        return None

    def _end(self, lane: _Lane, now: float) -> None:
        """Nothing may follow in this direction: what is overtaken goes, what is held is lost."""
        overtaken, lane.overtaken = lane.overtaken, []
        for item in overtaken:
            self._leave(lane, item, Fate.PASSED, now)
        held, lane.held = lane.held, []
        for item in held:
            self._lose(lane, item, now)

    def _lose_waiting(self, lane: _Lane, now: float) -> None:
        for item in (*lane.held, *lane.overtaken, lane.blocker, *lane.behind):
            if isinstance(item, _Item):
                self._lose(lane, item, now)
        lane.held, lane.overtaken, lane.blocker = [], [], None
        lane.behind.clear()

    def _lose(self, lane: _Lane, item: _Item, now: float) -> None:
        lane.bytes_held = max(0, lane.bytes_held - item.message.size - BYTES_BESIDE)
        self._record(item, Fate.LOST, now)

    def _close(self, close: Close, now: float) -> None:
        self.is_closing = True
        for lane in self._lanes.values():
            self._lose_waiting(lane, now)
            for departure in lane.line.pop_due(math.inf):
                if isinstance(departure.item, _Item):
                    self._lose(lane, departure.item, now)
            self._leaving.append((lane.direction, Frame(Opcode.CLOSE, close.serialize())))

    def _record(self, item: _Item, fate: Fate, now: float) -> None:
        message, planned = item.message, item.planned
        waited = planned is not None and isinstance(
            planned.intervention, HoldUntilPassed | ReorderFrame
        )
        self._note(
            FrameRecord(
                message.connection,
                message.direction,
                message.number,
                message.opcode,
                message.json_type,
                message.size,
                now,
                None if waited else item.requested_s,
                now - message.arrived_at,
                fate,
                None if planned is None else NAMES[type(planned.intervention)],
            )
        )
