"""What keeps a quiet connection open, and ends an old one before somebody else cuts it."""

from __future__ import annotations

import anyio

from gp_helpers.platform.clock import Clock
from gp_helpers.platform.contract import CloseCode, ServerMessage
from gp_helpers.platform.gateway.connection import Connection


class KeepAlive:
    """The jobs of a connection that only time sets off; the clock may be stepped."""

    def __init__(self, clock: Clock, resume_grace_s: float) -> None:
        self._clock = clock
        self._resume_grace_s = resume_grace_s

    def watch(self, connection: Connection) -> None:
        """Give the connection its jobs."""
        connection.add_job(lambda: self._beat(connection))
        connection.add_job(lambda: self._end_in_time(connection))
        connection.add_job(lambda: self._release_events(connection))

    async def _beat(self, connection: Connection) -> None:
        while True:
            await self._clock.sleep_until(self._clock.monotonic() + connection.timeouts.heartbeat_s)
            await connection.outgoing.reply(
                {"type": str(ServerMessage.HEARTBEAT), "data": {"timestamp": self._clock.now()}}
            )

    async def _end_in_time(self, connection: Connection) -> None:
        timeouts = connection.timeouts
        end = connection.opened_at + timeouts.lifetime_s
        await self._clock.sleep_until(end - timeouts.reconnect_notice_s)
        with anyio.move_on_after(end - self._clock.monotonic()):
            await connection.outgoing.reply(
                {
                    "type": str(ServerMessage.RECONNECT),
                    "data": {"reason": "lifetime", "after_s": timeouts.reconnect_notice_s},
                }
            )
        await self._clock.sleep_until(end)
        connection.end(CloseCode.GOING_AWAY, "lifetime")

    async def _release_events(self, connection: Connection) -> None:
        await anyio.sleep(self._resume_grace_s)
        connection.outgoing.release()
