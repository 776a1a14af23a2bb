"""Commands that are measured: their output is shown only if they end as they should not.

A benchmark that is interrupted, or told to end, ends those that run; none is left behind.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress

_GRACE_S = 10.0
"""Between SIGTERM and SIGKILL: a runner saves what it has and ends its kernels first."""


class _EndedOtherwiseError(Exception):
    """A command ended with a status that is not allowed."""


def run_quietly(
    *commands: Sequence[str],
    at_once: int = 1,
    environ: Mapping[str, str] | None = None,
    allowed: Sequence[int] = (0,),
) -> None:
    """Run commands, so many ``at_once``, the next when one has ended.

    Raises ``SystemExit``, with the end of what it printed, where one ends with a status that is
    not allowed, and after SIGTERM; `KeyboardInterrupt` as ever. All have ended then.
    """
    try:
        asyncio.run(_run_all(commands, at_once, {**os.environ, **(environ or {})}, allowed))
    except asyncio.CancelledError:
        raise SystemExit(128 + signal.SIGTERM) from None
    except ExceptionGroup as errors:
        raise SystemExit(str(errors.exceptions[0])) from None


async def _run_all(
    commands: Sequence[Sequence[str]],
    at_once: int,
    environ: Mapping[str, str],
    allowed: Sequence[int],
) -> None:
    myself = asyncio.current_task()
    assert myself is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, myself.cancel)
    places = asyncio.Semaphore(at_once)

    async def run(command: Sequence[str]) -> None:
        async with places:
            await _run(command, environ, allowed)

    async with asyncio.TaskGroup() as group:
        for command in commands:
            group.create_task(run(command))


async def _run(command: Sequence[str], environ: Mapping[str, str], allowed: Sequence[int]) -> None:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environ
    )
    try:
        told, _ = await process.communicate()
    except asyncio.CancelledError:
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), _GRACE_S)
        except TimeoutError:
            process.kill()
            await process.wait()
        raise
    if process.returncode not in allowed:
        end = told.decode(errors="replace")[-3000:]
        raise _EndedOtherwiseError(
            f"{' '.join(command[:4])} … ended with {process.returncode}:\n{end}"
        )
