"""A flight recorder: the end of what a kernel printed, in memory that survives its death.

A kernel hands printed text to its client up to 0.2 s later, from a thread; a process that is killed
takes that text with it. The recorder holds the last of it in a file mapped by both sides, so that
writing costs a copy in memory and nothing is lost.
"""

from __future__ import annotations

import mmap
import os
import struct
import threading
from pathlib import Path

CAPACITY = 1 << 18
"""Bytes kept of each stream."""
STREAMS = ("stdout", "stderr")

_TOTAL = struct.Struct("<Q")
_SLOT = _TOTAL.size + CAPACITY


def create(path: Path) -> None:
    """Make an empty recorder's file."""
    with path.open("xb") as file:
        file.truncate(_SLOT * len(STREAMS))


def encoded(text: str) -> bytes:
    """Text as the recorder counts it."""
    return text.encode("utf-8", "replace")


class Recorder:
    """The kernel's side. Writes of forked children are left out: they reach the client by pipe."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), 0)
        self._totals = dict.fromkeys(STREAMS, 0)
        self._lock = threading.Lock()
        self._pid = os.getpid()

    def note(self, stream: str, text: str) -> None:
        """Keep `text`, at the cost of what is oldest."""
        if os.getpid() != self._pid:
            return
        data = encoded(text)
        start = _SLOT * STREAMS.index(stream)
        with self._lock:
            total = self._totals[stream] + len(data)
            kept = data[-CAPACITY:]
            position = (total - len(kept)) % CAPACITY
            first = kept[: CAPACITY - position]
            base = start + _TOTAL.size
            self._memory[base + position : base + position + len(first)] = first
            rest = kept[len(first) :]
            self._memory[base : base + len(rest)] = rest
            self._totals[stream] = total
            _TOTAL.pack_into(self._memory, start, total)


class Recording:
    """The runner's side: reads what a kernel recorded, alive or dead."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def total(self, stream: str) -> int:
        """How many bytes were written to a stream so far."""
        (total,) = _TOTAL.unpack_from(self._memory, _SLOT * STREAMS.index(stream))
        return int(total)

    def after(self, stream: str, received: int) -> tuple[str, int]:
        """The text beyond the first `received` bytes of a stream, and how many bytes of it are
        lost because the recorder is smaller."""
        start = _SLOT * STREAMS.index(stream)
        total = self.total(stream)
        missing = max(0, total - received)
        kept = min(missing, CAPACITY)
        ring = self._memory[start + _TOTAL.size : start + _SLOT]
        position = (total - kept) % CAPACITY
        tail = (ring[position:] + ring[:position])[:kept]
        return tail.decode("utf-8", "replace"), missing - kept

    def close(self) -> None:
        """Give the memory back."""
        self._memory.close()
