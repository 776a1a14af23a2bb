"""Executes notebooks side by side from one process, each in a kernel of its own."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace

from gp_helpers.cloud_run.ending import signals_to_end
from gp_helpers.cloud_run.zygote_owner import ZYGOTE_VARIABLE, own_zygote
from gp_helpers.execution.kernels.keeper import Keeper, open_keeper
from gp_helpers.execution.kernels.warmth import warm_modules
from gp_helpers.execution.outcomes import CellEvent, Interruption, NotebookJob, NotebookResult
from gp_helpers.targets.temporary import TEMPORARY_VARIABLE


async def execute(
    jobs: Sequence[NotebookJob],
    *,
    concurrency: int,
    warm: bool = False,
    services: Sequence[str] = (),
    progress: Callable[[CellEvent], None] = lambda _: None,
    ended: Callable[[NotebookResult], None] = lambda _: None,
    handle_signals: bool = True,
) -> list[NotebookResult]:
    """Execute notebooks; return their results in the order of the jobs.

    Whatever happens, no kernel is left when this returns, and none when this process is killed.

    Args:
        concurrency: How many kernels run at once.
        warm: Fork kernels from a parent that has the workbook's imports done.
        services: Modules of the services that the notebooks start as processes; where there are
            any, all kernels share one parent of such processes, which has these imported.
        progress: Told when a code cell begins and when it ends.
        ended: Called, in a thread, when a notebook has ended, while others still run.
        handle_signals: While this runs in the main thread, SIGINT, SIGTERM and SIGHUP interrupt
            all notebooks: running cells end as ``interrupted``, what there is is saved. Without it,
            cancelling does the same, but gives no results.

    Raises:
        ParameterError: parameters of a job are unknown or mistyped; nothing was started.
        NotebookFileError: a notebook cannot be read; nothing was started.
        OSError: a destination cannot be written.
    """
    if concurrency < 1:
        raise ValueError(f"concurrency: expected at least 1, found {concurrency}")
    interruption: Interruption = asyncio.get_running_loop().create_future()
    with interrupting(interruption, handle_signals):
        modules = warm_modules({job.source for job in jobs}) if warm else ()
        async with (
            open_keeper(warm=modules) as keeper,
            _lending(keeper, services) as lent,
        ):
            jobs = [replace(job, environment={**lent, **job.environment}) for job in jobs]
            # Imported while the keeper starts: each takes its time, and there are two cores.
            from gp_helpers.execution.side_by_side import run_side_by_side

            return await run_side_by_side(
                jobs,
                keeper,
                concurrency=concurrency,
                interruption=interruption,
                progress=progress,
                ended=ended,
            )


@asynccontextmanager
async def _lending(keeper: Keeper, modules: Sequence[str]) -> AsyncIterator[dict[str, str]]:
    """Lend the kernels the keeper's folder and, where they start processes, this process's zygote.

    Gives what their environment has to say.
    """
    temporary = {TEMPORARY_VARIABLE: str(keeper.folder)}
    if not modules:
        yield temporary
        return
    path = keeper.folder / "zygote"
    zygote = await asyncio.to_thread(own_zygote, temporary)
    zygote.share(path)
    # The kernels ask for the same modules, and hear why there are none.
    preloading = asyncio.create_task(asyncio.to_thread(zygote.preload, modules))
    try:
        yield {**temporary, ZYGOTE_VARIABLE: str(path)}
    finally:
        await asyncio.gather(preloading, return_exceptions=True)


@contextmanager
def interrupting(interruption: Interruption, handle_signals: bool) -> Iterator[None]:
    """While it holds, a signal to end resolves ``interruption``; then the old handlers return."""
    if not handle_signals or threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    numbers = signals_to_end()
    before = {number: signal.getsignal(number) for number in numbers}

    def interrupt(number: signal.Signals) -> None:
        if not interruption.done():
            interruption.set_result(number)

    for number in numbers:
        loop.add_signal_handler(number, interrupt, number)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
            signal.signal(number, before[number])
