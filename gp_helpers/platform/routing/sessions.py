"""Sessions: at which instances a user is connected, and how those hear of a new event.

The event itself travels through the outbox in the shared store; another instance is only told that
it is there. A notice may be lost, doubled or late: each connection reads on from where it stands.
"""

from __future__ import annotations

import logging

from gp_helpers.platform.backend.supervision import Supervisor
from gp_helpers.platform.errors import PlatformError
from gp_helpers.platform.routing.peers import Peers
from gp_helpers.platform.routing.roles import SessionDirectory
from gp_helpers.platform.store import Presence

logger = logging.getLogger(__name__)

NOTICE_TASK = "event_notice"
"""Name of the supervisor's tasks that tell other instances of events."""


class StoreSessions:
    """Sessions in the store that all instances share."""

    def __init__(self, presence: Presence, instance_id: str) -> None:
        self._presence = presence
        self._instance_id = instance_id

    async def came(self, connection_id: str, user_id: str, now: float) -> None:
        await self._presence.connected(connection_id, user_id, self._instance_id, now)

    async def left(self, connection_id: str) -> None:
        await self._presence.disconnected(connection_id)

    async def elsewhere(self, user_id: str) -> tuple[str, ...]:
        instances = await self._presence.instances_of(user_id)
        return tuple(name for name in instances if name != self._instance_id)


class EventNotices:
    """Tells the other instances where a user is connected about that user's newest event.

    One task for a user at a time; events that come while it works are told together.
    """

    def __init__(self, directory: SessionDirectory, peers: Peers, supervisor: Supervisor) -> None:
        self._directory = directory
        self._peers = peers
        self._supervisor = supervisor
        self._newest: dict[str, int] = {}
        self._being_told: set[str] = set()

    @property
    def in_progress(self) -> int:
        """For how many users somebody is still being told."""
        return len(self._being_told)

    def tell(self, user_id: str, event_id: int) -> None:
        """Have the other instances told of an event that is in the outbox."""
        self._newest[user_id] = max(event_id, self._newest.get(user_id, 0))
        if user_id not in self._being_told:
            self._supervisor.start_soon(NOTICE_TASK, self._tell_others, user_id)
            self._being_told.add(user_id)

    async def _tell_others(self, user_id: str) -> None:
        try:
            while user_id in self._newest:
                event_id = self._newest.pop(user_id)
                for instance_id in await self._directory.elsewhere(user_id):
                    await self._tell(instance_id, user_id, event_id)
        except PlatformError as error:
            logger.warning("other instances are not told of events of %s: %s", user_id, error)
        finally:
            self._newest.pop(user_id, None)
            self._being_told.discard(user_id)

    async def _tell(self, instance_id: str, user_id: str, event_id: int) -> None:
        try:
            await self._peers.tell(instance_id, user_id, event_id)
        except PlatformError as error:
            logger.warning("%s is not told of event %d: %s", instance_id, event_id, error)
