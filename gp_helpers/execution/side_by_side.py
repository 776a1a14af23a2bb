"""Runs notebooks side by side: what the kernels of one call share, and who waits for whom."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Sequence

import zmq.asyncio
from nbformat import NotebookNode

from gp_helpers.execution.kernels.keeper import Keeper
from gp_helpers.execution.kernels.session import KernelSession, quick_context
from gp_helpers.execution.limits import Limits
from gp_helpers.execution.notebook_run import NotebookRun
from gp_helpers.execution.outcomes import (
    CellEvent,
    CellResult,
    Interruption,
    NotebookJob,
    NotebookResult,
)
from gp_helpers.execution.preparation import kernel_name, prepared, project_root
from gp_helpers.execution.saving import saved_whole


async def run_side_by_side(
    jobs: Sequence[NotebookJob],
    keeper: Keeper,
    *,
    concurrency: int,
    interruption: Interruption,
    progress: Callable[[CellEvent], None],
    ended: Callable[[NotebookResult], None],
) -> list[NotebookResult]:
    """See `gp_helpers.execution.execute`."""
    notebooks = prepared(jobs)
    with quick_context() as context:
        runner = Runner(keeper, context, concurrency, interruption, progress)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(_run_and_tell(runner, job, notebook, ended))
                    for job, notebook in zip(jobs, notebooks, strict=True)
                ]
        except ExceptionGroup as errors:
            # The first one cancelled the others, which have saved what they had.
            raise errors.exceptions[0] from None
        return [task.result() for task in tasks]


async def _run_and_tell(
    runner: Runner,
    job: NotebookJob,
    notebook: NotebookNode,
    ended: Callable[[NotebookResult], None],
) -> NotebookResult:
    result = await runner.run(job, notebook)
    await asyncio.to_thread(ended, result)
    return result


class Runner:
    """What the notebooks of one call share."""

    def __init__(
        self,
        keeper: Keeper,
        context: zmq.asyncio.Context,
        concurrency: int,
        interruption: Interruption,
        progress: Callable[[CellEvent], None],
    ) -> None:
        self._interruption = interruption
        self._keeper = keeper
        self._progress = progress
        self._places = asyncio.Semaphore(concurrency)
        self._numbers = itertools.count(1)
        self._context = context

    async def run(self, job: NotebookJob, notebook: NotebookNode) -> NotebookResult:
        """Execute one notebook when there is a place for it."""

        def began(index: int, number: int, cells: int) -> None:
            self._progress(CellEvent(job, index, number, cells))

        def ended(index: int, number: int, cells: int, result: CellResult) -> None:
            self._progress(CellEvent(job, index, number, cells, result.outcome, result.seconds))

        async with self._places:
            session = KernelSession(
                self._keeper,
                self._context,
                self._keeper.folder / str(next(self._numbers)),
                notebook,
                kernel_name=kernel_name(notebook),
                cwd=job.cwd or project_root(job.source),
                environment=job.environment,
            )
            run = NotebookRun(
                notebook,
                save=saved_whole(job.destination),
                limits=Limits(notebook_s=job.deadline_s),
                interruption=self._interruption,
                began=began,
                ended=ended,
            )
            summary = await run.run(session)
        detail = summary.detail
        if summary.save_error is not None:
            detail = "; ".join(filter(None, [detail, f"not saved: {summary.save_error}"]))
        return NotebookResult(
            job=job,
            cells=summary.cells,
            exit_reason=summary.exit_reason,
            detail=detail,
            seconds=summary.seconds,
            saved_to=None if summary.save_error is not None else job.destination,
        )
