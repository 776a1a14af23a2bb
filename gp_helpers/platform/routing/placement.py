"""Placement: which instance gets a connection, and which one works on a request."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from gp_helpers.platform.contract import AgentRequest
from gp_helpers.platform.errors import PlatformError

if TYPE_CHECKING:
    from gp_helpers.platform.routing.peers import Peers
    from gp_helpers.platform.routing.queue import WorkQueue

logger = logging.getLogger(__name__)


class LeastLoadedConnections:
    """The ingress gives a connection to the instance that has the fewest."""

    policy = "least_loaded"


class LeastLoadedWork:
    """Work is done where it was asked for, unless much waits there and less at another instance."""

    def __init__(self, peers: Peers, queue: WorkQueue, spill_over_at: int) -> None:
        self._peers = peers
        self._queue = queue
        self._spill_over_at = spill_over_at

    async def instance_for(self, _request: AgentRequest) -> str:
        here = self._peers.instance_id
        if self._queue.waiting < self._spill_over_at:
            return here
        waiting = {here: self._queue.waiting}
        try:
            waiting |= await self._peers.loads()
        except PlatformError as error:
            logger.warning("the other instances are not known: %s", error)
        return min(waiting, key=lambda instance: (waiting[instance], instance != here))
