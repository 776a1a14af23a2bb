"""What the papermill engine ``golden-path`` does: one notebook, executed truthfully."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TextIO

from nbformat import NotebookNode
from papermill.log import logger
from tqdm.auto import tqdm

from gp_helpers.execution.errors import NotebookEndedError
from gp_helpers.execution.kernels.ends import MAY_RAISE_TAG
from gp_helpers.execution.kernels.keeper import open_keeper
from gp_helpers.execution.kernels.session import KernelSession, quick_context
from gp_helpers.execution.kernels.warmth import warm_modules
from gp_helpers.execution.limits import Limits, check_cell_limits, stated_deadline
from gp_helpers.execution.notebook_run import NotebookRun, RunSummary
from gp_helpers.execution.outcomes import (
    CellOutcome,
    CellResult,
    ExitReason,
    Interruption,
)
from gp_helpers.execution.parameter_check import check_parameters
from gp_helpers.execution.running import interrupting
from gp_helpers.execution.saving import save_for


def execute_for_papermill(
    nb: NotebookNode,
    kernel_name: str,
    *,
    output_path: str | None = None,
    progress_bar: bool | dict[str, Any] = True,
    log_output: bool = False,
    execution_timeout: float | None = None,
    start_timeout: float = 60.0,
    deadline_s: float | None = None,
    warm: bool = False,
    stdout_file: TextIO | None = None,
    stderr_file: TextIO | None = None,
    input_path: object = "",
    **_: Any,
) -> NotebookNode:
    """Execute a notebook that has its parameters; papermill raises for its errors afterwards.

    Args:
        nb: The notebook, changed in place.
        execution_timeout: Seconds for a cell without a tag ``timeout=SECONDS``; none where it is
            not above 0, as in papermill.
        deadline_s: Seconds for the notebook; else ``deadline_s`` of the notebook's metadata
            ``golden_path``, else an hour.
        warm: Fork the kernel from a parent with imports done (it pays from two notebooks on).

    Raises:
        ParameterError: the parameters do not fit the notebook; no kernel was started.
        NotebookFileError: a tag ``timeout=`` or ``deadline_s`` makes no sense; none was either.
        NotebookEndedError: it ended early, and no cell shows why: no kernel could be started,
            the kernel ended after the last cell, or a cell called ``sys.exit(0)``.
    """
    source = input_path if isinstance(input_path, str) and input_path else "the notebook"
    check_parameters(nb, nb.metadata.papermill.get("parameters", {}), source=source)
    check_cell_limits(nb, source)
    limits = Limits(
        deadline_s if deadline_s is not None else stated_deadline(nb, source),
        # As in papermill and nbclient, what is not above 0 means no limit.
        execution_timeout if execution_timeout and execution_timeout > 0 else None,
    )
    log = _Log(log_output, {"stdout": stdout_file, "stderr": stderr_file})
    bar = tqdm(unit="cell", desc="Executing", disable=not progress_bar)

    def cell_ended(_index: int, number: int, cells: int, _result: CellResult) -> None:
        bar.total = cells
        bar.update(number - bar.n)

    modules = warm_modules([Path(source)]) if warm else ()

    async def run(interruption: Interruption) -> RunSummary:
        with quick_context() as context:
            async with open_keeper(warm=modules) as keeper:
                session = KernelSession(
                    keeper,
                    context,
                    keeper.folder / "1",
                    nb,
                    kernel_name=kernel_name,
                    cwd=Path.cwd(),
                    environment={},
                    start_timeout_s=start_timeout,
                )
                session.on_stream = log.write
                notebook_run = NotebookRun(
                    nb,
                    save=save_for(output_path),
                    limits=limits,
                    interruption=interruption,
                    began=lambda *_: None,
                    ended=cell_ended,
                )
                return await notebook_run.run(session)

    try:
        summary, stopped_by = _run_to_end(run)
    finally:
        bar.close()
    if summary.save_error is not None:
        raise summary.save_error
    _have_allowed_errors_pass(nb)
    if stopped_by is not None and summary.exit_reason is ExitReason.INTERRUPTED:
        # The old handlers are back: papermill ends as it would have without us.
        signal.raise_signal(stopped_by)
    if summary.exit_reason is not ExitReason.COMPLETED and not _shows_an_error(nb):
        raise NotebookEndedError(f"{summary.exit_reason.value}: {summary.detail}")
    return nb


class _Log:
    """What papermill does with printed text beside storing it."""

    def __init__(self, is_logged: bool, files: Mapping[str, TextIO | None]) -> None:
        self._is_logged = is_logged
        self._files = files

    def write(self, stream: str, text: str) -> None:
        """Log printed text, and write it into the file of its stream."""
        if self._is_logged:
            logger.log(logging.WARNING if stream == "stderr" else logging.INFO, text)
        file = self._files.get(stream)
        if file is not None:
            file.write(text)
            file.flush()


def _run_to_end(
    run: Callable[[Interruption], Coroutine[Any, Any, RunSummary]],
) -> tuple[RunSummary, signal.Signals | None]:
    """Run on an event loop of its own, in another thread if this one has a loop already."""

    async def run_interruptible() -> tuple[RunSummary, signal.Signals | None]:
        interruption: Interruption = asyncio.get_running_loop().create_future()
        with interrupting(interruption, handle_signals=True):
            summary = await run(interruption)
        return summary, interruption.result() if interruption.done() else None

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(run_interruptible())
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, run_interruptible()).result()


class _AllowedError(NotebookNode):
    """An error output of a cell that may raise, stored as what it is.

    papermill ends with status 1 where an output's attribute says ``error``. The tag's meaning is
    nbclient's: such an error is recorded, and the notebook goes on and has not failed.
    """

    output_type = "allowed_error"


def _have_allowed_errors_pass(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        is_completed = cell.metadata.get("golden_path", {}).get("outcome") == CellOutcome.COMPLETED
        if is_completed and MAY_RAISE_TAG in cell.metadata.get("tags", []):
            cell.outputs = [
                _AllowedError(output)  # type: ignore[no-untyped-call]
                if output.output_type == "error"
                else output
                for output in cell.outputs
            ]


def _shows_an_error(notebook: NotebookNode) -> bool:
    """Whether papermill will raise for the notebook: it forgives ``SystemExit`` with code 0."""
    return any(
        output.output_type == "error" and output.ename != "SystemExit"
        for cell in notebook.cells
        for output in cell.get("outputs", [])
    )
