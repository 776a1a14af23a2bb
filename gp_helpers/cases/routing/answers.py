"""Waiting for answers before silence is asked for: asking all the time would be work of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from gp_helpers.cases.asking import until_seen
from gp_helpers.cases.trial import Trial
from gp_helpers.probes import Socket


async def until_one_of(
    trial: Trial, sockets: Iterable[Socket], condition: Callable[[Socket], bool]
) -> None:
    """Wait until a condition holds on one of several sockets."""
    waiting = [
        asyncio.create_task(
            until_seen(
                trial,
                socket,
                lambda socket=socket: condition(socket),  # type: ignore[misc]
                awaited="answer on one of the devices",
            )
        )
        for socket in sockets
    ]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
