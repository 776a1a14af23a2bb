"""Progress of a run on a terminal: cells done, what runs now, time left. Silent when told so."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TextIO

from gp_helpers.execution import CellEvent, CellOutcome, NotebookJob

_BAD = frozenset(CellOutcome) - {CellOutcome.COMPLETED}


class Progress:
    """Shows a line that is rewritten on a terminal, and a line a notebook elsewhere."""

    def __init__(
        self, jobs: Sequence[NotebookJob], *, enabled: bool, stream: TextIO | None = None
    ) -> None:
        self._enabled = enabled
        self._stream = sys.stderr if stream is None else stream
        self._is_terminal = self._stream.isatty()
        # By where they are saved: the engine completes jobs, so that events tell of others.
        self._cells: dict[Path, int] = {}
        self._done = {job.destination: 0 for job in jobs}
        self._names = {job.destination: _name(job) for job in jobs}
        self._began = time.monotonic()

    def take(self, event: CellEvent) -> None:
        """Take note of a cell that began or ended."""
        job = event.job.destination
        self._cells[job] = event.cells
        if event.outcome is not None:
            self._done[job] = event.number
        if not self._enabled:
            return
        if self._is_terminal:
            self._write(f"\r\x1b[2K{self._line(event)}")
        elif event.outcome is not None and (event.number == event.cells or event.outcome in _BAD):
            ended = event.outcome.value.replace("_", " ")
            self._write(f"{self._names[job]}: cell {event.number} of {event.cells} {ended}\n")

    def _write(self, text: str) -> None:
        """Write, and flush; a terminal that was closed is no reason to end a run in the middle."""
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:
            self._enabled = False

    def _line(self, event: CellEvent) -> str:
        done = sum(self._done.values())
        known = sum(self._cells.values())
        per_notebook = known / len(self._cells)
        total = known + per_notebook * (len(self._done) - len(self._cells))
        seconds = time.monotonic() - self._began
        left = seconds / done * (total - done) if done else 0.0
        name = self._names[event.job.destination]
        return f"{done:3} of about {total:.0f} cells, {left:3.0f} s left  {name}"[:79]

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._enabled and self._is_terminal:
            self._write("\r\x1b[2K")


def _name(job: NotebookJob) -> str:
    return f"{job.destination.parent.name}/{job.source.stem}"
