"""Connections from the ingress to instances, kept for the next request as load balancers do."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable

import h11

from gp_helpers.cloud_run.http_wire import HttpWire
from gp_helpers.cloud_run.wire import connect

_LONGEST_IDLE_S = 4.0
"""Below the 5 s after which uvicorn closes an idle connection."""


class Upstreams:
    """Idle connections by address; `now` tells the time of what is sent on them."""

    def __init__(self, now: Callable[[], float] | None = None) -> None:
        self._now = now
        self._idle: defaultdict[tuple[str, int], list[tuple[float, HttpWire]]] = defaultdict(list)

    async def take(self, host: str, port: int) -> HttpWire:
        """Return a connection that can carry a request, an idle one if there is one.

        Raises:
            OSError: nobody listens there.
        """
        now = asyncio.get_running_loop().time()
        idle = self._idle[host, port]
        while idle:
            since, upstream = idle.pop()
            if not upstream.wire.at_end and now - since < _LONGEST_IDLE_S:
                return upstream
            upstream.wire.abort()
        return HttpWire(await connect(host, port, now=self._now), h11.CLIENT)

    def give_back(self, host: str, port: int, upstream: HttpWire) -> None:
        """Keep the connection if its exchange ended cleanly, close it otherwise."""
        state = upstream.state
        if (
            state.our_state is h11.DONE
            and state.their_state is h11.DONE
            and not upstream.wire.at_end
        ):
            state.start_next_cycle()
            self._idle[host, port].append((asyncio.get_running_loop().time(), upstream))
        else:
            upstream.wire.abort()

    def close(self) -> None:
        """Close every idle connection."""
        for idle in self._idle.values():
            for _, upstream in idle:
                upstream.wire.abort()
        self._idle.clear()
