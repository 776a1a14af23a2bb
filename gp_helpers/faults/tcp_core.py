"""What happens to one direction of a TCP connection, decided without I/O.

A lane is told what arrives and when; it answers with what to do now, and says when to ask again.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import Enum

from gp_helpers.faults.delay_line import NO_DELAY, Delay, DelayLine, Departure


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpFault:
    """What one direction does with what arrives; the default passes it on unchanged."""

    delay: Delay = NO_DELAY
    swallow: bool = False
    """Half-open: what arrives is read and dropped, end of stream included; nothing is told."""
    reset_after_bytes: int | None = None
    """Reset both sides (RST) once so many bytes have passed in this direction; 0: at once."""
    close_delay_s: float = 0.0
    """Slow close: the end of the stream is passed on so much later than the bytes before it."""


PASS = TcpFault()


class Ending(Enum):
    """What a lane passes on beside bytes."""

    END = "end"
    """End of the stream (FIN)."""
    RESET = "reset"
    """Reset of the connection (RST), both sides."""


Item = bytes | Ending


class TcpLane:
    """One direction of one connection."""

    def __init__(self, fault: TcpFault, random_source: random.Random) -> None:
        self.bytes_passed = 0
        self.bytes_held = 0
        """Taken in and not passed on yet."""
        self._line: DelayLine[Item] = DelayLine(random_source)
        self.set(fault)

    def set(self, fault: TcpFault) -> None:
        """Treat what arrives from now on by `fault`; what is held leaves as it was to."""
        self.fault = fault
        self._line.delay = fault.delay

    def receive(self, data: bytes, now: float) -> None:
        """Bytes have arrived."""
        if self.fault.swallow:
            return
        limit = self.fault.reset_after_bytes
        if limit is not None and self.bytes_passed + len(data) >= limit:
            allowed = data[: max(0, limit - self.bytes_passed)]
            if allowed:
                self._push(allowed, now)
            self._line.push(Ending.RESET, 0, now)
            return
        self._push(data, now)

    def _push(self, data: bytes, now: float) -> None:
        self.bytes_passed += len(data)
        self.bytes_held += len(data)
        self._line.push(data, len(data), now)

    def receive_end(self, now: float) -> None:
        """The sender has closed its side."""
        if not self.fault.swallow:
            self._line.push(Ending.END, 0, now + self.fault.close_delay_s)

    def receive_reset(self, now: float) -> None:
        """The sender's connection was reset."""
        if not self.fault.swallow:
            self._line.push(Ending.RESET, 0, now)

    def pop_due(self, now: float) -> list[Departure[Item]]:
        """Return what to pass on now, in order."""
        due = self._line.pop_due(now)
        self.bytes_held -= sum(len(one.item) for one in due if isinstance(one.item, bytes))
        return due

    def next_due(self) -> float | None:
        """When there is something to pass on next."""
        return self._line.next_due()
