"""The queue of one instance: requests wait here for one of its workers, the most urgent first.

Whenever a request is queued or started the queue's one counter goes on, so that anybody can say
afterwards what came before what, without a clock.
"""

from __future__ import annotations

import heapq
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from gp_helpers.platform.backend.supervision import Supervisor
from gp_helpers.platform.contract import AgentRequest
from gp_helpers.platform.errors import PlatformError

logger = logging.getLogger(__name__)

REQUEST_TASK = "agent_request"
"""Name of the supervisor's tasks that work on requests."""

Work = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True, order=True)
class _Waiting:
    number: int
    queued: int
    user_id: str = field(compare=False)
    request: AgentRequest = field(compare=False)
    work: Work = field(compare=False)


class WorkQueue:
    """Serves the smallest number first, equal ones in the order in which they came."""

    def __init__(
        self, supervisor: Supervisor, *, instance_id: str, workers: int, capacity: int
    ) -> None:
        self._supervisor = supervisor
        self._instance_id = instance_id
        self._workers = workers
        self._capacity = capacity
        self._waiting: list[_Waiting] = []
        self._working = 0
        self._acts = count(1)

    @property
    def waiting(self) -> int:
        """How many requests have no worker yet."""
        return len(self._waiting)

    def admit(self) -> None:
        """Raises `PlatformError("overloaded")` where too many wait already."""
        if len(self._waiting) >= self._capacity:
            raise PlatformError("overloaded", retry_after=1.0)

    def put(self, number: int, user_id: str, request: AgentRequest, work: Work) -> None:
        """Queue a request that was admitted."""
        ticket = request.ticket
        ticket.instance_id, ticket.queued = self._instance_id, next(self._acts)
        heapq.heappush(self._waiting, _Waiting(number, ticket.queued, user_id, request, work))
        self._serve()

    def state(self) -> list[dict[str, Any]]:
        """The requests that wait, in the order in which they will be served."""
        return [
            {
                "request_id": waiting.request.id,
                "user_id": waiting.user_id,
                "priority": str(waiting.request.priority),
                "number": waiting.number,
                "queued": waiting.queued,
            }
            for waiting in sorted(self._waiting)
        ]

    def _serve(self) -> None:
        while self._waiting and self._working < self._workers:
            chosen = heapq.heappop(self._waiting)
            self._working += 1
            chosen.request.ticket.started = next(self._acts)
            self._supervisor.start_soon(REQUEST_TASK, self._work_on, chosen)

    async def _work_on(self, chosen: _Waiting) -> None:
        """A task that is cancelled ends with its instance: nothing is served after it."""
        try:
            await chosen.work()
        except Exception:
            logger.exception("the work on request %s failed", chosen.request.id)
        self._working -= 1
        self._serve()
