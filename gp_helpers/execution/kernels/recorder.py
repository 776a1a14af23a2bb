"""A flight recorder: the end of what a kernel printed, in memory that survives its death.

A kernel hands printed text to its client up to 0.2 s later, from a thread; a process that is killed
takes that text with it. The recorder holds the last of it in a file mapped by both sides, so that
writing costs a copy in memory and nothing is lost.
"""

from __future__ import annotations

import mmap
import os
import sys
import threading
from pathlib import Path

CAPACITY = 1 << 18
"""Bytes kept of each stream."""
STREAMS = ("stdout", "stderr")

_TOTAL_SIZE = 8
_SLOT = _TOTAL_SIZE + CAPACITY


def create(path: Path) -> None:
    """Make an empty recorder's file."""
    with path.open("xb") as file:
        file.truncate(_SLOT * len(STREAMS))


def encoded(text: str) -> bytes:
    """Text as the recorder counts it."""
    return text.encode("utf-8", "replace")


class Recorder:
    """The kernel's side, for one stream.

    What forked children write is left out: it reaches the client through a pipe of its own.
    """

    def __init__(self, path: Path, stream: str) -> None:
        with path.open("r+b") as file:
            memory = memoryview(mmap.mmap(file.fileno(), 0))
        start = _SLOT * STREAMS.index(stream)
        self._stored_total = memory[start : start + _TOTAL_SIZE].cast("Q")
        self._ring = memory[start + _TOTAL_SIZE : start + _SLOT]
        self._total = 0
        self._lock = threading.Lock()
        self._is_child = False
        os.register_at_fork(after_in_child=self._note_fork)

    def note(self, text: str) -> None:
        """Keep `text`, at the cost of what is oldest. Called for every write: it must be quick."""
        data = text.encode("utf-8", "replace")
        size = len(data)
        with self._lock:
            if self._is_child:
                return
            position = self._total % CAPACITY
            end = position + size
            if end <= CAPACITY:
                self._ring[position:end] = data
            else:
                self._wrap(data)
            self._total += size
            self._stored_total[0] = self._total

    def _wrap(self, data: bytes) -> None:
        """Keep what does not fit between the current position and the end of the ring."""
        kept = data[-CAPACITY:]
        position = (self._total + len(data) - len(kept)) % CAPACITY
        first = kept[: CAPACITY - position]
        self._ring[position : position + len(first)] = first
        self._ring[: len(kept) - len(first)] = kept[len(first) :]

    def _note_fork(self) -> None:
        self._lock = threading.Lock()
        self._is_child = True


class Recording:
    """The runner's side: reads what a kernel recorded, alive or dead."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def total(self, stream: str) -> int:
        """How many bytes were written to a stream so far."""
        start = _SLOT * STREAMS.index(stream)
        return int.from_bytes(self._memory[start : start + _TOTAL_SIZE], sys.byteorder)

    def after(self, stream: str, received: int) -> tuple[str, int]:
        """The text beyond the first `received` bytes of a stream, and how many bytes of it are
        lost because the recorder is smaller."""
        start = _SLOT * STREAMS.index(stream)
        total = self.total(stream)
        missing = max(0, total - received)
        kept = min(missing, CAPACITY)
        ring = self._memory[start + _TOTAL_SIZE : start + _SLOT]
        position = (total - kept) % CAPACITY
        tail = (ring[position:] + ring[:position])[:kept]
        return tail.decode("utf-8", "replace"), missing - kept

    def close(self) -> None:
        """Give the memory back."""
        self._memory.close()
