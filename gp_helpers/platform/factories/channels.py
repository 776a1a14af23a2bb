"""The backend's WebSocket manager: where each session's events go."""

from __future__ import annotations

from dataclasses import dataclass

from gp_helpers.platform.contract import Event
from gp_helpers.platform.seams import EventSink


@dataclass(slots=True)
class _Channel:
    user_id: str
    sink: EventSink
    delivered: int = 0


class Channels:
    """Hands each event to the sink of its session, for the session's user."""

    def __init__(self) -> None:
        self._channels: dict[str, _Channel] = {}

    def __len__(self) -> int:
        return len(self._channels)

    def attach(self, session_id: str, user_id: str, sink: EventSink) -> None:
        self._channels[session_id] = _Channel(user_id, sink)

    def detach(self, session_id: str) -> None:
        self._channels.pop(session_id, None)

    async def deliver(self, session_id: str, event: Event) -> None:
        channel = self._channels.get(session_id)
        if channel is None:
            raise LookupError(f"no channel is attached for {session_id}")
        await channel.sink.emit(channel.user_id, event)
        channel.delivered += 1

    def delivered(self, session_id: str) -> int:
        """How many events went to the session's user."""
        channel = self._channels.get(session_id)
        return 0 if channel is None else channel.delivered
