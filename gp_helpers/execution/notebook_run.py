"""One notebook from its first cell to its last: outcomes, deadlines, metadata, saving.

Each code cell's end is written into ``metadata["golden_path"]``, beside papermill's own metadata,
and a cell that did not end by itself shows why as an error output.
"""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_output

from gp_helpers.execution.errors import ExecutionError
from gp_helpers.execution.kernels.ends import Ended, Limit
from gp_helpers.execution.kernels.session import KernelSession
from gp_helpers.execution.limits import Limits, cell_limit
from gp_helpers.execution.outcomes import (
    CellOutcome,
    CellResult,
    ExitReason,
    Interruption,
    stopped_by,
)
from gp_helpers.execution.saving import Save

_AUTOSAVE_S = 1.0
_SAVING_SHARE = 0.01
"""Saving before the end takes at most this share of the time."""
_UNDER_WAY = "it was running, or its runner was killed"
"""Beside ``interrupted`` in what is saved meanwhile: true of what a killed runner leaves behind."""
_PAPERMILL_STATUS = {CellOutcome.COMPLETED: "completed", CellOutcome.NOT_RUN: "pending"}

CellBegan = Callable[[int, int, int], None]
"""Index in the notebook, number among the code cells from 1, how many there are."""
CellEnded = Callable[[int, int, int, CellResult], None]


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What became of a notebook."""

    cells: tuple[CellResult, ...]
    exit_reason: ExitReason
    detail: str
    seconds: float
    save_error: Exception | None
    """Why the last save failed, if it did."""


class NotebookRun:
    """Runs the cells of a notebook that is ready to run: its parameters are in."""

    def __init__(
        self,
        notebook: NotebookNode,
        *,
        save: Save,
        limits: Limits,
        interruption: Interruption,
        began: CellBegan,
        ended: CellEnded,
    ) -> None:
        self._notebook = notebook
        self._save = save
        self._limits = limits
        self._interruption = interruption
        self._on_began = began
        self._on_ended = ended
        self._loop = asyncio.get_running_loop()
        self._results: dict[int, CellResult] = {}
        self._cells = {
            index: cell for index, cell in enumerate(notebook.cells) if cell.cell_type == "code"
        }
        self._cell_limits = {index: cell_limit(cell) for index, cell in self._cells.items()}
        self._save_error: Exception | None = None
        self._next_save = 0.0
        self._exit_reason = ExitReason.COMPLETED
        self._detail = ""
        self._stated: dict[str, Any] = {}
        """What the notebook's own metadata asks of the runner."""

    async def run(self, session: KernelSession) -> RunSummary:
        """Run the notebook on a session that is not started yet, and end the session.

        Raises:
            OSError: the notebook could not be saved before anything ran.
        """
        started = self._loop.time()
        self._prepare()
        self._save(self._notebook, False)
        autosave = self._loop.create_task(self._autosave(session))
        is_polite = True
        try:
            is_polite = await self._start_and_run(session, started)
        except asyncio.CancelledError:
            self._interrupted_by_cancelling()
            is_polite = False
            raise
        finally:
            autosave.cancel()
            await asyncio.gather(autosave, return_exceptions=True)
            self._finish(session, started)
            ended_before = await session.close(politely=is_polite)
        if self._exit_reason is ExitReason.COMPLETED and ended_before is not None:
            self._exit_reason = ExitReason.DIED
            self._detail = f"the kernel ended after its last cell: {ended_before}"
            self._finish(session, started)
        return RunSummary(
            tuple(self._results[index] for index in self._cells),
            self._exit_reason,
            self._detail,
            self._loop.time() - started,
            self._save_error,
        )

    async def _start_and_run(self, session: KernelSession, started: float) -> bool:
        """Return whether the kernel may be asked to end, rather than be killed."""
        deadline = started + self._limits.notebook_s
        starting = self._loop.create_task(session.start())
        try:
            first: set[asyncio.Future[Any]] = {starting, self._interruption}
            await asyncio.wait(
                first,
                timeout=self._limits.notebook_s,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if not starting.done():
                is_interrupted = self._interruption.done()
                self._exit_reason = (
                    ExitReason.INTERRUPTED if is_interrupted else ExitReason.TIMED_OUT
                )
                self._detail = (
                    stopped_by(self._interruption)
                    if is_interrupted
                    else self._notebook_limit_said()
                )
                return False
            about = starting.result()
        except ExecutionError as error:
            self._exit_reason, self._detail = ExitReason.NOT_STARTED, str(error)
            return False
        finally:
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
        self._notebook.metadata["language_info"] = about["language_info"]
        for number, (index, cell) in enumerate(self._cells.items(), start=1):
            self._on_began(index, number, len(self._cells))
            result = await self._run_cell(session, index, cell, deadline)
            self._on_ended(index, number, len(self._cells), result)
            if result.outcome is not CellOutcome.COMPLETED:
                self._exit_reason = ExitReason(result.outcome.value)
                self._detail = f"cell {number}: {result.detail}"
                return result.outcome is CellOutcome.FAILED
        return True

    async def _run_cell(
        self, session: KernelSession, index: int, cell: NotebookNode, deadline: float
    ) -> CellResult:
        began = self._loop.time()
        about = cell.metadata["papermill"]
        about.update(status="running", start_time=_now(), exception=False)
        cell.metadata["golden_path"] = _under_way("outcome", CellOutcome.INTERRUPTED)
        if self._interruption.done():
            said = stopped_by(self._interruption)
            ended = Ended(CellOutcome.INTERRUPTED, said, ("Interrupted", said))
            return self._note(session, index, ended, began)
        if not cell.source.strip():
            return self._note(session, index, Ended(CellOutcome.COMPLETED), began)
        try:
            ended = await session.run_cell(
                index,
                cell,
                limit=self._limit(index, began, deadline),
                interruption=self._interruption,
                stopping=lambda ended: self._save_noted(session, index, ended, began),
            )
        except ExecutionError as error:
            ended = Ended(CellOutcome.DIED, str(error), (type(error).__name__, str(error)))
        return self._note(session, index, ended, began)

    def _limit(self, index: int, began: float, deadline: float) -> Limit:
        seconds = self._cell_limits[index]
        if seconds is None:
            seconds = self._limits.cell_s
        if seconds is not None and began + seconds < deadline:
            return Limit(began + seconds, f"the cell took longer than its {seconds:g} s")
        return Limit(deadline, self._notebook_limit_said())

    def _notebook_limit_said(self) -> str:
        return f"the notebook took longer than its {self._limits.notebook_s:g} s"

    def _note(self, session: KernelSession, index: int, ended: Ended, began: float) -> CellResult:
        """Write a cell's end into the notebook, and save it; quick cells are saved together."""
        result = CellResult(index, ended.outcome, self._loop.time() - began, ended.detail)
        session.outputs.settle()
        self._write(result, ended)
        is_quick = result.outcome is CellOutcome.COMPLETED and self._loop.time() < self._next_save
        if not is_quick:
            self._try_to_save()
        return result

    def _save_noted(self, session: KernelSession, index: int, ended: Ended, began: float) -> None:
        """Save a cell's end while the cell may still print; it is noted again afterwards."""
        outputs = self._cells[index].outputs
        self._note(session, index, ended, began)
        if ended.error is not None:
            outputs.pop()

    def _write(self, result: CellResult, ended: Ended) -> None:
        cell = self._cells[result.index]
        self._results[result.index] = result
        cell.metadata["golden_path"] = {
            "outcome": result.outcome.value,
            "seconds": round(result.seconds, 3),
            **({"detail": result.detail} if result.detail else {}),
        }
        if ended.error is not None:
            name, said = ended.error
            cell.outputs.append(
                new_output(
                    "error", ename=name, evalue=said, traceback=f"{name}: {said}".split("\n")
                )
            )
        is_failure = result.outcome is not CellOutcome.COMPLETED
        cell.metadata["papermill"].update(
            status=_PAPERMILL_STATUS.get(result.outcome, "failed"),
            end_time=_now(),
            duration=result.seconds,
            exception=is_failure,
        )
        if is_failure:
            self._notebook.metadata["papermill"]["exception"] = True

    def _prepare(self) -> None:
        about = self._notebook.metadata.setdefault("papermill", {})
        about.update(start_time=_now(), end_time=None, duration=None, exception=None)
        self._stated = {
            name: stated
            for name, stated in self._notebook.metadata.get("golden_path", {}).items()
            if name not in ("exit_reason", "detail")
        }
        self._notebook.metadata["golden_path"] = {
            **self._stated,
            **_under_way("exit_reason", ExitReason.INTERRUPTED),
        }
        for cell in self._notebook.cells:
            cell.metadata["papermill"] = {
                "exception": None,
                "start_time": None,
                "end_time": None,
                "duration": None,
                "status": "pending",
            }
        for index, cell in self._cells.items():
            cell.execution_count = None
            cell.outputs = []
            cell.metadata["golden_path"] = {"outcome": CellOutcome.NOT_RUN.value}
            self._results[index] = CellResult(index, CellOutcome.NOT_RUN)

    def _interrupted_by_cancelling(self) -> None:
        self._exit_reason, self._detail = ExitReason.INTERRUPTED, "the run was cancelled"
        for index, cell in self._cells.items():
            if cell.metadata["papermill"]["status"] == "running":
                ended = Ended(CellOutcome.INTERRUPTED, self._detail, ("Interrupted", self._detail))
                self._write(CellResult(index, ended.outcome, detail=ended.detail), ended)

    def _finish(self, session: KernelSession, started: float) -> None:
        session.outputs.settle()
        why = session.outputs.settle_widgets()
        if why and self._exit_reason is ExitReason.COMPLETED:
            self._exit_reason = ExitReason.FAILED
            self._detail = f"the state of its widgets cannot be stored: {why}"
        self._notebook.metadata["golden_path"] = {
            **self._stated,
            "exit_reason": self._exit_reason.value,
            **({"detail": self._detail} if self._detail else {}),
        }
        self._notebook.metadata["papermill"].update(
            end_time=_now(), duration=self._loop.time() - started
        )
        self._try_to_save(is_finished=True)

    def _try_to_save(self, *, is_finished: bool = False) -> None:
        """Save; what cannot be saved now is tried again later, and told at the end."""
        began = self._loop.time()
        try:
            self._save(self._notebook, is_finished)
            self._save_error = None
        except Exception as error:
            # Whatever a save raises concerns this notebook alone.
            self._save_error = error
        ended = self._loop.time()
        self._next_save = ended + (ended - began) / _SAVING_SHARE

    async def _autosave(self, session: KernelSession) -> None:
        """Save what happens between the ends of cells, so that a killed runner leaves it behind."""
        saved = 0
        while True:
            await asyncio.sleep(max(_AUTOSAVE_S, self._next_save - self._loop.time()))
            if session.messages == saved:
                continue
            saved = session.messages
            session.outputs.settle()
            self._try_to_save()


def _under_way(name: str, ending: CellOutcome | ExitReason) -> dict[str, str]:
    return {name: ending.value, "detail": _UNDER_WAY}


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat()
