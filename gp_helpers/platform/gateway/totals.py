"""Counts that let somebody outside prove that nothing is under way in the gateway."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from gp_helpers.platform.contract import ServerMessage
from gp_helpers.platform.gateway.messages import Message


class Activity(StrEnum):
    """What the gateway can be in the middle of."""

    HANDSHAKE = "handshake"
    MESSAGE = "message"
    """A client's message is being handled."""
    SET_UP = "set_up"
    """A connection that is open is being connected to its user's events."""
    CLEAN_UP = "clean_up"


class Totals:
    """Messages so far, and activities under way. Heartbeats count apart: they never fall silent."""

    def __init__(self) -> None:
        self.received = 0
        self.sent = 0
        self.heartbeats = 0
        self.accepted = 0
        """Agent requests whose work was begun."""
        self._under_way: Counter[Activity] = Counter()

    @contextmanager
    def during(self, activity: Activity) -> Iterator[None]:
        """Count an activity as under way inside the block."""
        self._under_way[activity] += 1
        try:
            yield
        finally:
            self._under_way[activity] -= 1

    def under_way(self) -> dict[str, int]:
        """Activities under way by name."""
        return {str(activity): self._under_way[activity] for activity in Activity}

    def count_sent(self, message: Message) -> None:
        """Count a message that was handed to a socket."""
        if message["type"] == ServerMessage.HEARTBEAT:
            self.heartbeats += 1
        else:
            self.sent += 1
