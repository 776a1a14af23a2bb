"""Waiting for answers before silence is asked for: asking all the time would be work of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from gp_helpers.probes import Socket
from gp_helpers.probes.client import Question

_PATIENCE_S = 5.0


async def until_answered(asked: Iterable[tuple[Socket, Question]]) -> None:
    """Wait until each question has ended where it was asked; what does not end is on record."""
    await asyncio.gather(
        *(socket.wait_for_answer(question.request_id, _PATIENCE_S) for socket, question in asked)
    )


async def until_one_of(sockets: Iterable[Socket], condition: Callable[[Socket], bool]) -> None:
    """Wait until a condition holds on one of several sockets."""
    waiting = [
        asyncio.create_task(
            socket.wait_until(
                lambda socket=socket: condition(socket),  # type: ignore[misc]
                timeout_s=_PATIENCE_S,
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
