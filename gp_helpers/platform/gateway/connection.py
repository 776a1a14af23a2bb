"""One open WebSocket: whose it is, what is sent on it, and how it ends.

Everything about a connection lives in its own object and ends with it; nothing here knows how
connections find each other.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import anyio
from starlette.websockets import WebSocket, WebSocketDisconnect

from gp_helpers.platform.contract import CloseCode, ServerMessage
from gp_helpers.platform.errors import PlatformError
from gp_helpers.platform.gateway.messages import Message, encode
from gp_helpers.platform.gateway.outgoing import Fetch, Outgoing, SlowConsumer
from gp_helpers.platform.gateway.roles import ConnectionTimeouts, Handshake
from gp_helpers.platform.gateway.totals import Totals
from gp_helpers.platform.settings import GatewaySettings

logger = logging.getLogger(__name__)

Job = Callable[[], Awaitable[None]]

CLOSE_GRACE_S = 2.0
"""How long a client that takes nothing may keep its close frame waiting."""


class ConnectionState(Enum):
    """Where a connection stands in its life."""

    OPENING = "opening"
    """The handshake is not answered yet."""
    OPEN = "open"
    ENDING = "ending"
    """It is over; what belongs to it is being cleaned up."""


class PeerGone(Exception):
    """Raised when something is to be sent and the other side is not there any more."""


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a connection is over."""

    code: int
    reason: str
    by_peer: bool = False
    """The client closed or vanished: there is nobody to send a close frame to."""


class Connection:
    """A WebSocket of one user, from its handshake to its clean-up."""

    def __init__(
        self,
        websocket: WebSocket,
        handshake: Handshake,
        *,
        timeouts: ConnectionTimeouts,
        settings: GatewaySettings,
        totals: Totals,
        fetch: Fetch,
        opened_at: float,
    ) -> None:
        self.connection_id = f"con_{secrets.token_hex(8)}"
        self.identity = handshake.identity
        self.channel = handshake.channel
        self.mode = handshake.mode
        self.token = handshake.token
        self.timeouts = timeouts
        self.opened_at = opened_at
        """When the handshake arrived, in its service's monotonic time; its life begins here."""
        self.state = ConnectionState.OPENING
        self.preferences: dict[str, str] = {}
        """How the client said on this connection that it wants to be answered."""
        self.misunderstood = 0
        """How many of the client's messages in a row could not be understood."""
        self.outgoing = Outgoing(
            self._transmit,
            fetch,
            capacity=settings.send_buffer,
            send_timeout_s=settings.send_timeout_s,
        )
        self._websocket = websocket
        self._subprotocol = handshake.subprotocol
        self._totals = totals
        self._jobs: list[Job] = [self.outgoing.run]
        self._ending: Ending | None = None
        self._over = anyio.Event()

    @property
    def is_open(self) -> bool:
        """Whether a message that is sent now may still reach the client."""
        return self.state is ConnectionState.OPEN

    async def accept(self) -> None:
        """Answer the handshake. Raises `PeerGone`."""
        try:
            await self._websocket.accept(subprotocol=self._subprotocol)
        except (OSError, RuntimeError, WebSocketDisconnect) as error:
            raise PeerGone from error
        self.state = ConnectionState.OPEN

    async def greet(self) -> None:
        """Say that the connection is established; always the first message on it."""
        await self.outgoing.reply(
            {
                "type": str(ServerMessage.CONNECTION_ESTABLISHED),
                "data": {
                    "connection_id": self.connection_id,
                    "user_id": self.identity.user_id,
                    "heartbeat_s": self.timeouts.heartbeat_s,
                    "lifetime_s": self.timeouts.lifetime_s,
                },
            }
        )

    def add_job(self, job: Job) -> None:
        """Have something run beside the connection, until it is over."""
        self._jobs.append(job)

    def end(self, code: CloseCode, reason: str) -> None:
        """End the connection from this side; the first reason counts."""
        self._end(Ending(code, reason))

    def end_by_peer(self, code: int) -> None:
        """Take note that the client has gone."""
        self._end(Ending(code, "closed by the client", by_peer=True))

    async def run(self) -> Ending:
        """Run the jobs until the connection is over, close it, and say why it ended."""
        async with anyio.create_task_group() as group:
            for job in self._jobs:
                group.start_soon(self._run_job, job)
            await self._over.wait()
            group.cancel_scope.cancel()
        assert self._ending is not None
        if not self._ending.by_peer:
            await self._close(self._ending)
        return self._ending

    def describe(self) -> dict[str, Any]:
        """What diagnostics show of it."""
        return {
            "connection_id": self.connection_id,
            "user_id": self.identity.user_id,
            "mode": str(self.mode),
            "state": self.state.value,
            "position": self.outgoing.position,
            "queued": self.outgoing.queued,
        }

    def _end(self, ending: Ending) -> None:
        if self._ending is None:
            self._ending = ending
            self.state = ConnectionState.ENDING
            self.outgoing.close()
            self._over.set()

    async def _run_job(self, job: Job) -> None:
        try:
            await job()
        except PeerGone:
            self.end_by_peer(1006)
        except SlowConsumer:
            self.end(CloseCode.TRY_LATER, "messages are not taken")
        except PlatformError as error:
            code = CloseCode.TRY_LATER if error.retryable else CloseCode.INTERNAL
            logger.warning("connection %s ends: %s", self.connection_id, error)
            self.end(code, error.code)
        except Exception:
            logger.exception("connection %s ends on an unexpected error", self.connection_id)
            self.end(CloseCode.INTERNAL, "internal")

    async def _transmit(self, message: Message) -> None:
        try:
            await self._websocket.send_text(encode(message))
        except (OSError, RuntimeError, WebSocketDisconnect) as error:
            raise PeerGone from error
        self._totals.count_sent(message)

    async def _close(self, ending: Ending) -> None:
        with anyio.move_on_after(CLOSE_GRACE_S):
            try:
                await self._websocket.close(ending.code, ending.reason)
            except (OSError, RuntimeError, WebSocketDisconnect):
                logger.debug("connection %s was gone before its close", self.connection_id)
