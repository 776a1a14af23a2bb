"""What each kind of client message does: a ping is answered, a resume replays, a request works."""

from __future__ import annotations

import logging

from gp_helpers.platform.backend.supervision import Supervisor
from gp_helpers.platform.contract import AgentRequest
from gp_helpers.platform.correlation import current_correlation_id
from gp_helpers.platform.errors import PlatformError
from gp_helpers.platform.factories.live import LiveSessions
from gp_helpers.platform.factories.sessions import Work
from gp_helpers.platform.gateway.connection import Connection
from gp_helpers.platform.gateway.dispatch import Handler, MessageHandler
from gp_helpers.platform.gateway.messages import (
    Ping,
    Request,
    Resume,
    error_message,
    pong_message,
)
from gp_helpers.platform.gateway.roles import EventDelivery
from gp_helpers.platform.gateway.totals import Totals

logger = logging.getLogger(__name__)

REQUEST_TASK = "agent_request"
"""Name of the supervisor's tasks that work on requests."""


class ClientHandlers:
    """Makes the handlers of a connection."""

    def __init__(self, delivery: EventDelivery, intake: RequestIntake) -> None:
        self._delivery = delivery
        self._intake = intake

    def of(self, connection: Connection) -> tuple[Handler, ...]:
        async def answer(ping: Ping) -> None:
            await connection.outgoing.reply(pong_message(ping))

        async def replay(resume: Resume) -> None:
            if resume.last_event_id > await self._delivery.position(connection.channel):
                raise PlatformError("invalid_request", "last_event_id: no such event yet")
            connection.outgoing.resume_after(resume.last_event_id)

        async def begin(request: Request) -> None:
            connection.outgoing.release()
            await self._intake.accept(connection, request)

        owner = connection.connection_id
        return (
            MessageHandler(owner, Ping, answer),
            MessageHandler(owner, Resume, replay),
            MessageHandler(owner, Request, begin),
        )


class RequestIntake:
    """Begins the work on requests, in tasks that outlive the connection they came by."""

    def __init__(
        self,
        sessions: LiveSessions,
        supervisor: Supervisor,
        totals: Totals,
    ) -> None:
        self._sessions = sessions
        self._supervisor = supervisor
        self._totals = totals
        self._in_progress: set[tuple[str, str]] = set()

    @property
    def in_progress(self) -> int:
        """How many requests are being worked on."""
        return len(self._in_progress)

    async def accept(self, connection: Connection, request: Request) -> None:
        """Begin a request. Raises `PlatformError`, `identity_spoofed` for instance.

        A request that is being worked on already is not begun again: its events are on their way
        to every connection of its user.
        """
        user_id = connection.identity.user_id
        if request.claimed_user_id not in (None, user_id):
            raise PlatformError("identity_spoofed")
        key = (user_id, request.request.id)
        if key in self._in_progress:
            logger.info("request %s is being worked on already", request.request.id)
            return
        self._in_progress.add(key)
        try:
            work = await self._sessions.begin(connection.connection_id, request.request)
        except BaseException:
            self._in_progress.discard(key)
            raise
        self._supervisor.start_soon(REQUEST_TASK, self._work, connection, request.request, work)
        self._totals.accepted += 1

    async def _work(self, connection: Connection, request: AgentRequest, work: Work) -> None:
        try:
            await self._sessions.run(work)
        except PlatformError as error:
            logger.warning("the events of request %s are lost: %s", request.id, error)
            await _tell(connection, request, error)
        except Exception:
            logger.exception("request %s failed unexpectedly", request.id)
            await _tell(connection, request, PlatformError("internal"))
        finally:
            self._in_progress.discard((connection.identity.user_id, request.id))


async def _tell(connection: Connection, request: AgentRequest, error: PlatformError) -> None:
    """Tell whoever asked directly, because not even the error could be emitted."""
    correlation_id = current_correlation_id() or ""
    await connection.outgoing.reply(error_message(error, request.id, correlation_id))
