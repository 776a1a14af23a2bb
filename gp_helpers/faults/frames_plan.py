"""What happens to the messages of a WebSocket at a proxy: a plan, matched without I/O.

A plan is a list of interventions; each applies to the next messages that match it, the first one
that still has messages left first. What no intervention wants passes unchanged.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from websockets.frames import Frame, Opcode

from gp_helpers.faults.delay_line import Direction

MOST_BYTES_DECODED = 262_144
"""A larger message has no JSON type: decoding it would hold up every other message."""
MOST_APPLICATIONS_KEPT = 10_000


class WireMessage:
    """A message on its way: a control frame, or the frames of one text or binary message."""

    __slots__ = ("_json_type", "arrived_at", "connection", "direction", "frames", "number", "size")

    def __init__(
        self,
        connection: int,
        direction: Direction,
        number: int,
        frames: tuple[Frame, ...],
        size: int,
        arrived_at: float,
    ) -> None:
        self.connection = connection
        """Number of the connection, counted from 1."""
        self.direction = direction
        self.number = number
        """Of the message in its direction, control frames included, counted from 1."""
        self.frames = frames
        """As they came: fragments stay fragments."""
        self.size = size
        """Bytes of payload."""
        self.arrived_at = arrived_at
        self._json_type: tuple[str | None] | None = None

    @property
    def opcode(self) -> Opcode:
        """What kind of message it is."""
        return self.frames[0].opcode

    @property
    def payload(self) -> bytes:
        """The whole payload."""
        return b"".join(bytes(frame.data) for frame in self.frames)

    @property
    def json_type(self) -> str | None:
        """The ``type`` of a JSON object in a text message; None if there is none."""
        if self._json_type is None:
            self._json_type = (self._decoded_type(),)
        return self._json_type[0]

    def _decoded_type(self) -> str | None:
        if self.opcode is not Opcode.TEXT or self.size > MOST_BYTES_DECODED:
            return None
        try:
            body = json.loads(self.payload)
        except (ValueError, RecursionError):
            return None
        found = body.get("type") if isinstance(body, dict) else None
        return found if isinstance(found, str) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameMatch:
    """Which messages are meant; what is not given matches all."""

    direction: Direction | None = None
    opcode: Opcode | None = None
    json_type: str | None = None
    connection: int | None = None
    nth: int | None = None
    """Only the nth that matches the rest, on its connection, counted since it was planned."""
    where: Callable[[WireMessage], bool] | None = None

    def __post_init__(self) -> None:
        if self.nth is not None and self.nth < 1:
            raise ValueError("nth counts from 1")

    def selects(self, message: WireMessage) -> bool:
        """Whether a message matches everything but `nth`."""
        return (
            (self.direction is None or self.direction is message.direction)
            and (self.connection is None or self.connection == message.connection)
            and (self.opcode is None or self.opcode is message.opcode)
            and (self.json_type is None or self.json_type == message.json_type)
            and (self.where is None or self.where(message))
        )


ANY_FRAME = FrameMatch()


@dataclass(frozen=True, slots=True)
class DelayFrame:
    """Take so much longer for this message; those behind it wait, as on any ordered stream."""

    seconds: float

    def __post_init__(self) -> None:
        if self.seconds < 0:
            raise ValueError("a delay cannot be negative")


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldUntilPassed:
    """Hold the message until another one has passed, in whichever direction, for good."""

    until: FrameMatch
    keeps_order: bool = False
    """Whether what comes behind it in its direction waits too, instead of overtaking it."""
    give_up_after_s: float | None = None
    """Longest wait; ``None``: as long as the connection lasts."""


@dataclass(frozen=True, slots=True)
class DropFrame:
    """Never pass the message on."""


@dataclass(frozen=True, slots=True)
class DuplicateFrame:
    """Pass the message on, and so many copies right behind it."""

    copies: int = 1


@dataclass(frozen=True, slots=True)
class ReorderFrame:
    """Let so many later messages of the same direction overtake this one."""

    overtaken_by: int = 1


@dataclass(frozen=True, slots=True)
class CloseWith:
    """Close both sides with this code, in place of the message and all that comes after it."""

    code: int
    reason: str = ""


Intervention = DelayFrame | HoldUntilPassed | DropFrame | DuplicateFrame | ReorderFrame | CloseWith


@dataclass(slots=True)
class PlannedFrame:
    """An intervention with the number of messages that it still applies to."""

    intervention: Intervention
    match: FrameMatch
    remaining: int | None
    """``None``: until it is taken back."""
    applied_to: list[tuple[int, Direction, int]] = field(default_factory=list)
    """Connection, direction and number of the first messages that it was applied to."""
    is_open: bool = False
    """Whether what a `HoldUntilPassed` waits for has passed."""
    _matched: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    _passed: dict[int, int] = field(default_factory=lambda: defaultdict(int))

    def wants(self, message: WireMessage) -> bool:
        """Count the message if it matches; return whether the intervention is for it."""
        if self.remaining == 0 or not self.match.selects(message):
            return False
        self._matched[message.connection] += 1
        return self.match.nth is None or self._matched[message.connection] == self.match.nth

    def note_applied(self, message: WireMessage) -> None:
        """It was applied to this message."""
        if len(self.applied_to) < MOST_APPLICATIONS_KEPT:
            self.applied_to.append((message.connection, message.direction, message.number))
        if self.remaining is not None:
            self.remaining -= 1

    def opens_with(self, message: WireMessage) -> bool:
        """Note that a message has passed; return whether this opens what was held."""
        if self.is_open or not isinstance(self.intervention, HoldUntilPassed):
            return False
        until = self.intervention.until
        if not until.selects(message):
            return False
        self._passed[message.connection] += 1
        self.is_open = self._passed[message.connection] >= (until.nth or 1)
        return self.is_open


class InterventionNotAllowed(Exception):
    """Raised when an intervention is planned that is not allowed here."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name}: messages may not be treated like this here")
        self.name = name


class FramePlan:
    """The interventions that are planned at one proxy, in order.

    ``allowed`` holds those that may be planned, by the names in `NAMES`; ``None``: all.
    """

    def __init__(self, allowed: frozenset[str] | None = None) -> None:
        self.allowed = allowed
        self.on_opened: Callable[[], None] = lambda: None
        """Called when messages that were held may pass."""
        self._planned: list[PlannedFrame] = []

    def add(
        self, intervention: Intervention, match: FrameMatch = ANY_FRAME, *, times: int | None = 1
    ) -> PlannedFrame:
        """Plan `intervention` for the next `times` matching messages (``None``: all of them).

        Raises `InterventionNotAllowed`.
        """
        self.require(NAMES[type(intervention)])
        planned = PlannedFrame(intervention, match, times)
        self._planned.append(planned)
        return planned

    def require(self, name: str) -> None:
        """Raise `InterventionNotAllowed` unless messages may be treated like this."""
        if self.allowed is not None and name not in self.allowed:
            raise InterventionNotAllowed(name)

    def clear(self) -> None:
        """Take back what is planned; what is held passes."""
        for planned in self._planned:
            planned.remaining = 0
            planned.is_open = True
        self._planned.clear()
        self.on_opened()

    def next_for(self, message: WireMessage) -> PlannedFrame | None:
        """Return what to do with a message that has arrived; ``None``: let it pass."""
        wanting = [planned for planned in self._planned if planned.wants(message)]
        if not wanting:
            return None
        wanting[0].note_applied(message)
        return wanting[0]

    def note_passed(self, message: WireMessage) -> bool:
        """Note that a message has passed; return whether messages that were held may pass now."""
        opened = [planned for planned in self._planned if planned.opens_with(message)]
        if opened:
            self.on_opened()
        return bool(opened)


NAMES: Mapping[type[Intervention], str] = {
    DelayFrame: "delay",
    HoldUntilPassed: "hold",
    DropFrame: "drop",
    DuplicateFrame: "duplicate",
    ReorderFrame: "reorder",
    CloseWith: "close",
}
"""What each intervention is called in records."""
