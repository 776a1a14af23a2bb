"""What is asked of the runner and what it answers: jobs, outcomes of cells, results.

Plain data, quick to import: the command line and reports read it without loading Jupyter.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

DEFAULT_DEADLINE_S = 3600.0

Interruption = asyncio.Future[signal.Signals]
"""Done when the runner is told to stop, with the signal that told it."""


def stopped_by(interruption: Interruption) -> str:
    """What to say about cells that an interruption ended."""
    return f"the runner was told to stop by {interruption.result().name}"


class CellOutcome(StrEnum):
    """How a cell ended."""

    COMPLETED = "completed"
    FAILED = "failed"
    """It raised an exception."""
    DIED = "died"
    """The kernel's process ended under it."""
    TIMED_OUT = "timed_out"
    """Its own limit, or the notebook's deadline, passed."""
    INTERRUPTED = "interrupted"
    """The runner was told to stop."""
    NOT_RUN = "not_run"


class ExitReason(StrEnum):
    """Why a notebook ended."""

    COMPLETED = "completed"
    FAILED = "failed"
    DIED = "died"
    TIMED_OUT = "timed_out"
    INTERRUPTED = "interrupted"
    NOT_STARTED = "not_started"
    """No kernel could be started for it."""


@dataclass(frozen=True)
class NotebookJob:
    """One notebook to execute."""

    source: Path
    destination: Path
    parameters: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    """Added to the runner's own environment in the kernel."""
    deadline_s: float = DEFAULT_DEADLINE_S
    """Seconds that the notebook may take, from the moment its kernel is asked for."""
    cwd: Path | None = None
    """The kernel's working directory; None: the project's root, the nearest folder at or above
    the notebook that holds a ``pyproject.toml``, or else the notebook's own folder."""


@dataclass(frozen=True, slots=True)
class CellResult:
    """How one code cell ended."""

    index: int
    """Position in the executed notebook, from 0, cells of every kind counted."""
    outcome: CellOutcome
    seconds: float = 0.0
    detail: str = ""
    """The exception, the exit code or signal, or which limit passed."""


@dataclass(frozen=True, slots=True)
class CellEvent:
    """A code cell began (``outcome`` None) or ended."""

    job: NotebookJob
    index: int
    """Position in the executed notebook, from 0."""
    number: int
    """Position among the code cells, from 1."""
    cells: int
    """How many code cells there are."""
    outcome: CellOutcome | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class NotebookResult:
    """What became of a job."""

    job: NotebookJob
    cells: tuple[CellResult, ...]
    exit_reason: ExitReason
    detail: str
    """What `exit_reason` alone does not say; empty for a completed notebook."""
    seconds: float
    saved_to: Path | None
    """The executed notebook, whole or partial; None if the last save failed."""

    @property
    def is_complete(self) -> bool:
        """Whether every cell ran to its end, and the notebook is saved."""
        return self.exit_reason is ExitReason.COMPLETED and self.saved_to is not None
