"""Runs are followed while they are worked on: how much was said, how long steps took, a digest.

What follows a run ends with it.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from dataclasses import dataclass, field

from gp_helpers.platform.agents.roles import RunFollower, RunFollowers, RunKey
from gp_helpers.platform.contract import AgentRequest, Event
from gp_helpers.platform.seams import AgentRunner, EventSink, Identity


@dataclass
class _Follower(ABC):
    run: RunKey
    is_over: bool = False

    def take(self, event: Event) -> None:
        if not self.is_over and RunKey(event.user_id, event.request_id) == self.run:
            self.note(event)

    def close(self) -> None:
        self.is_over = True

    @abstractmethod
    def note(self, event: Event) -> None:
        """Take note of an event of the run."""


@dataclass
class Volume(_Follower):
    """Counts the characters that a run sends."""

    characters: int = 0

    def note(self, event: Event) -> None:
        self.characters += len(json.dumps(event.to_message()))


@dataclass
class StepTimes(_Follower):
    """Notes when each event came, on the service's clock."""

    times: list[float] = field(default_factory=list)

    def note(self, event: Event) -> None:
        self.times.append(event.timestamp)


@dataclass
class Digest(_Follower):
    """A digest over everything that a run sends, for the audit."""

    value: str = ""

    def note(self, event: Event) -> None:
        told = json.dumps(event.to_message(), sort_keys=True)
        self.value = hashlib.sha256(f"{self.value}{told}".encode()).hexdigest()


class FollowersByRun:
    """Keeps followers under their run, and forgets them when it is over."""

    def __init__(self) -> None:
        self._followers: dict[RunKey, list[RunFollower]] = {}
        self._notified = 0

    def follow(self, follower: RunFollower) -> None:
        self._followers.setdefault(follower.run, []).append(follower)

    def publish(self, event: Event) -> None:
        for follower in self._followers.get(RunKey(event.user_id, event.request_id), ()):
            follower.take(event)
            self._notified += 1

    def leave(self, follower: RunFollower) -> None:
        follower.close()
        left = [one for one in self._followers.get(follower.run, ()) if one is not follower]
        if left:
            self._followers[follower.run] = left
        else:
            self._followers.pop(follower.run, None)

    def state(self) -> dict[str, int]:
        count = sum(len(followers) for followers in self._followers.values())
        return {"followers": count, "notified": self._notified}


@dataclass(frozen=True, slots=True)
class _Published:
    sink: EventSink
    followers: RunFollowers

    async def emit(self, user_id: str, event: Event) -> None:
        await self.sink.emit(user_id, event)
        self.followers.publish(event)


class ObservedRuns:
    """A runner whose runs are followed."""

    def __init__(self, runner: AgentRunner, followers: RunFollowers) -> None:
        self._runner = runner
        self._followers = followers

    async def run(self, identity: Identity, request: AgentRequest, sink: EventSink) -> None:
        key = RunKey(identity.user_id, request.id)
        following = (Volume(key), StepTimes(key), Digest(key))
        for follower in following:
            self._followers.follow(follower)
        try:
            await self._runner.run(identity, request, _Published(sink, self._followers))
        finally:
            for follower in following:
                self._followers.leave(follower)
