"""The agents' desks: each agent has one for each conversation, and works there alone.

Only a request that may be handed on needs desks: one that names no agent is done by one agent, and
nobody waits for it.

Who sits at which desk, and who waits for whom, can be read at any time: a deadlock is seen in the
running platform, not guessed from its silence.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from gp_helpers.platform.contract import AgentRequest


@dataclass(slots=True)
class _Desk:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    holder: str | None = None
    waiters: list[str] = field(default_factory=list)


class Desks:
    """Locks by agent and conversation, and the path of each request from desk to desk."""

    def __init__(self) -> None:
        self._desks: dict[str, _Desk] = {}
        self._paths: list[tuple[str, list[str]]] = []

    @contextmanager
    def following(self, request: AgentRequest) -> Iterator[list[str]]:
        """Show a request's path, which the caller extends, for as long as it is under way."""
        followed = (request.id, list[str]())
        self._paths.append(followed)
        try:
            yield followed[1]
        finally:
            self._paths = [other for other in self._paths if other is not followed]

    @asynccontextmanager
    async def at(self, agent: str, request: AgentRequest) -> AsyncIterator[None]:
        """Work at an agent's desk for the request's conversation, alone."""
        if request.agent is None:
            yield
            return
        name = f"{agent}/{request.thread_id}"
        desk = self._desks.setdefault(name, _Desk())
        desk.waiters.append(request.id)
        try:
            await desk.lock.acquire()
        finally:
            desk.waiters.remove(request.id)
            self._tidy(name, desk)
        desk.holder = request.id
        try:
            yield
        finally:
            desk.holder = None
            desk.lock.release()
            self._tidy(name, desk)

    def state(self) -> dict[str, Any]:
        """`{"holders": [{"lock", "holder"}], "waiters": [{"lock", "waiter"}]}`, by request id."""
        return {
            "holders": [
                {"lock": name, "holder": desk.holder}
                for name, desk in self._desks.items()
                if desk.holder is not None
            ],
            "waiters": [
                {"lock": name, "waiter": waiter}
                for name, desk in self._desks.items()
                for waiter in desk.waiters
            ],
        }

    def paths(self) -> list[dict[str, Any]]:
        """The agents to whose desks each request under way went, or waits to go."""
        return [{"request_id": name, "path": list(path)} for name, path in self._paths]

    def _tidy(self, name: str, desk: _Desk) -> None:
        if not desk.waiters and not desk.lock.locked():
            self._desks.pop(name, None)
