"""What becomes of a request: whose it is, how urgent, and where it is worked on."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

from gp_helpers.platform.backend.supervision import Supervisor
from gp_helpers.platform.contract import AgentRequest
from gp_helpers.platform.correlation import current_correlation_id
from gp_helpers.platform.errors import PlatformError
from gp_helpers.platform.factories.live import LiveSessions
from gp_helpers.platform.factories.sessions import Work
from gp_helpers.platform.gateway.connection import Connection
from gp_helpers.platform.gateway.messages import Request, error_message
from gp_helpers.platform.gateway.roles import CutHandling, EventDelivery
from gp_helpers.platform.gateway.totals import Totals
from gp_helpers.platform.routing.peers import Peers, PeerUnreachable
from gp_helpers.platform.routing.queue import WorkQueue
from gp_helpers.platform.routing.roles import (
    PriorityScale,
    RequestIdentity,
    RoutingContext,
    WorkPlacement,
)
from gp_helpers.platform.seams import AgentRunner, EventSink, Identity

logger = logging.getLogger(__name__)

HAND_OVER_TASK = "hand_over"
"""Name of the supervisor's tasks that hand a request over to another instance."""


@dataclass(frozen=True, slots=True)
class IntakeParts:
    """What the intake of requests uses."""

    sessions: LiveSessions
    runner: AgentRunner
    """For requests that no session of this instance has."""
    supervisor: Supervisor
    delivery: EventDelivery
    cut_handling: CutHandling
    totals: Totals
    identities: RequestIdentity
    scale: PriorityScale
    context: RoutingContext
    placement: WorkPlacement
    queue: WorkQueue
    peers: Peers


@dataclass(frozen=True, slots=True)
class _Job:
    identity: Identity
    request: AgentRequest
    sink: EventSink
    asker: Connection | None = None
    """`None` for a request that another instance has handed over."""
    session_work: Work | None = None

    @property
    def key(self) -> tuple[str, str]:
        return (self.identity.user_id, self.request.id)


class RequestIntake:
    """Takes requests on; their work outlives the connection that they came by."""

    def __init__(self, parts: IntakeParts) -> None:
        self._parts = parts
        self._in_progress: set[tuple[str, str]] = set()

    @property
    def in_progress(self) -> int:
        """How many requests wait, are worked on, or are being handed over."""
        return len(self._in_progress)

    async def accept(self, connection: Connection, request: Request) -> None:
        """Take a client's request on.

        A request that is in progress already is not begun again: its events are on their way to
        every connection of its user. Raises `PlatformError`: `identity_spoofed`,
        `invalid_request`, `overloaded` for instance.
        """
        parts = self._parts
        parts.queue.admit()
        identity = parts.identities.of(connection.identity, request.claimed_user_id)
        asked = replace(
            request.request,
            priority=parts.scale.read(request.urgency),
            preferences=parts.context.preferences_for(connection, request.request.preferences),
        )
        job = _Job(identity, asked, parts.cut_handling.sink_for(connection), connection)
        if not self._begin(job):
            return
        try:
            instance_id = await parts.placement.instance_for(asked)
            if instance_id == parts.peers.instance_id:
                self._put(await self._in_session(job, connection))
            else:
                parts.supervisor.start_soon(HAND_OVER_TASK, self._hand_over, job, instance_id)
        except BaseException:
            self._in_progress.discard(job.key)
            raise
        parts.totals.accepted += 1

    def accept_from_peer(self, identity: Identity, request: AgentRequest) -> None:
        """Take a request on that another instance hands over. Raises `overloaded`."""
        self._parts.queue.admit()
        job = _Job(identity, request, self._parts.delivery)
        if self._begin(job):
            self._put(job)

    def _begin(self, job: _Job) -> bool:
        if job.key in self._in_progress:
            logger.info("request %s is in progress already", job.request.id)
            return False
        self._in_progress.add(job.key)
        return True

    async def _in_session(self, job: _Job, connection: Connection) -> _Job:
        """The job as work of its connection's session, if it is of the session's user."""
        if job.identity != connection.identity:
            return job
        work = await self._parts.sessions.begin(connection.connection_id, job.request)
        return replace(job, session_work=work)

    def _put(self, job: _Job) -> None:
        async def work() -> None:
            await self._work(job)

        number = self._parts.scale.number(job.request.priority)
        self._parts.queue.put(number, job.identity.user_id, job.request, work)

    async def _work(self, job: _Job) -> None:
        try:
            if job.session_work is not None:
                await self._parts.sessions.run(job.session_work)
            else:
                await self._parts.runner.run(job.identity, job.request, job.sink)
        except PlatformError as error:
            logger.warning("the events of request %s are lost: %s", job.request.id, error)
            await _tell(job, error)
        except Exception:
            logger.exception("request %s failed unexpectedly", job.request.id)
            await _tell(job, PlatformError("internal"))
        finally:
            self._in_progress.discard(job.key)

    async def _hand_over(self, job: _Job, instance_id: str) -> None:
        """Hand over; what was certainly not taken is worked on here, the rest is told as failed."""
        is_over = True
        try:
            await self._parts.peers.hand_over(instance_id, job.identity, job.request)
            logger.info("request %s goes to %s", job.request.id, instance_id)
        except PeerUnreachable:
            self._put(job)
            is_over = False
        except PlatformError as error:
            logger.warning("handing request %s over failed: %s", job.request.id, error)
            await _tell(job, error)
        finally:
            if is_over:
                self._in_progress.discard(job.key)


async def _tell(job: _Job, error: PlatformError) -> None:
    """Tell whoever asked directly, because not even the error could be emitted."""
    if job.asker is not None:
        correlation_id = current_correlation_id() or ""
        await job.asker.outgoing.reply(error_message(error, job.request.id, correlation_id))
