"""The as-reported components of the routing suite.

Each does its job when it is looked at alone; what breaks is that two of them disagree about the
same message, user, urgency or place.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from gp_helpers.platform.contract import AgentRequest, Priority
from gp_helpers.platform.gateway.messages import Request
from gp_helpers.platform.routing.desks import Desks
from gp_helpers.platform.routing.roles import Accept, Errand, HandoffRules, MessageRouter
from gp_helpers.platform.routing.vocabulary import ANALYSIS, PLANNING, TRIAGE, stems_in
from gp_helpers.platform.seams import Identity

if TYPE_CHECKING:
    from gp_helpers.platform.gateway.connection import Connection
    from gp_helpers.platform.routing.peers import Peers

_KINDS_OF_MESSAGE = (
    (re.compile(r"\?\s*$|^\s*(why|what|how|which|who|when|where)\b", re.IGNORECASE), ANALYSIS),
    (re.compile(r"^\s*(please\s+)?(plan|make|create|build|draft|reduce|cut)\b", re.I), PLANNING),
    (re.compile(""), TRIAGE),
)
"""Questions are for the analyst, instructions for the planner, the rest for triage."""

_URGENCY = {Priority.HIGH: 10, Priority.NORMAL: 5, Priority.LOW: 1}

_CONSULTS = {TRIAGE: (ANALYSIS, PLANNING), ANALYSIS: (PLANNING,), PLANNING: (ANALYSIS,)}
"""Whom each agent knows to ask."""

_FNV_OFFSET = 0xCBF29CE484222325
_FNV_PRIME = 0x100000001B3
_RING = 1 << 64


class GatewayRouter:
    """Routes by the kind of message, the first registered match wins; the agents have theirs."""

    def __init__(self, registry: MessageRouter) -> None:
        self._registry = registry

    def decide(self, request: AgentRequest) -> str:
        return next(
            agent for pattern, agent in _KINDS_OF_MESSAGE if pattern.search(request.message)
        )

    @property
    def routers(self) -> Mapping[str, MessageRouter]:
        return {"gateway": self, "registry": self._registry}


class UrgencyScale:
    """Gives every request its urgency in points; whoever says nothing known is not in a hurry."""

    def read(self, said: str | int) -> Priority:
        try:
            return Priority(str(said))
        except ValueError:
            return Priority.LOW

    def number(self, priority: Priority) -> int:
        return _URGENCY[priority]


class RouterPreferences:
    """Remembers how answers are wanted, so that nobody has to say it with every request."""

    def __init__(self) -> None:
        self._preferences: dict[str, str] = {}

    def preferences_for(self, _connection: Connection, said: Mapping[str, str]) -> dict[str, str]:
        self._preferences.update(said)
        return dict(self._preferences)


class RegisteredHandler:
    """Registers one handler for requests, when the first connection needs it."""

    def __init__(self) -> None:
        self._handler: Callable[[Request], Awaitable[None]] | None = None

    def bind(self, connection: Connection, accept: Accept) -> Callable[[Request], Awaitable[None]]:
        if self._handler is None:
            self._handler = partial(accept, connection)
        return self._handler


class MessageDecides:
    """A message that names its user is that user's."""

    def of(self, identity: Identity, claimed_user_id: str | None) -> Identity:
        return replace(identity, user_id=claimed_user_id or identity.user_id)


class NestedDelegation:
    """An agent keeps its desk until the one that it handed the request to has finished."""

    def __init__(self, desks: Desks, rules: HandoffRules, _most_handoffs: int) -> None:
        self._desks = desks
        self._rules = rules

    async def work(self, first: str, errand: Errand) -> None:
        with self._desks.following(errand.request) as path:
            await self._delegate(first, errand, path)

    async def _delegate(self, agent: str, errand: Errand, path: list[str]) -> None:
        path.append(agent)
        async with self._desks.at(agent, errand.request):
            await errand.take_turn(agent)
            following = self._rules.next_after(errand.request, tuple(path))
            if following is not None:
                await self._delegate(following, errand, path)


class ConsultingRules:
    """Each agent hands on to those whom it knows for what the request asks."""

    def next_after(self, request: AgentRequest, path: tuple[str, ...]) -> str | None:
        if request.agent is None:
            return None
        wanted = stems_in(request.message)
        return next((agent for agent in _CONSULTS[path[-1]] if agent in wanted), None)


class RoundRobinConnections:
    """The ingress gives connections to one instance after the other."""

    policy = "round_robin"


class HashRingWork:
    """Consistent hashing: the work of a thread is always done by the same instance."""

    def __init__(self, peers: Peers, _queue: object, _spill_over_at: int) -> None:
        self._peers = peers

    async def instance_for(self, request: AgentRequest) -> str:
        instances = [self._peers.instance_id, *await self._peers.addresses()]
        ring = sorted((_fnv1a(instance), instance) for instance in instances)
        place = bisect.bisect_left(ring, (_fnv1a(request.thread_id), ""))
        return ring[place % len(ring)][1]


class MemorySessions:
    """Knows where each user is connected, without asking the store for every event."""

    def __init__(self, _presence: object, instance_id: str) -> None:
        self._instance_id = instance_id
        self._sessions: dict[str, tuple[str, str]] = {}

    async def came(self, connection_id: str, user_id: str, _now: float) -> None:
        self._sessions[connection_id] = (user_id, self._instance_id)

    async def left(self, connection_id: str) -> None:
        self._sessions.pop(connection_id, None)

    async def elsewhere(self, user_id: str) -> tuple[str, ...]:
        instances = {
            instance for connected, instance in self._sessions.values() if connected == user_id
        }
        return tuple(sorted(instances - {self._instance_id}))


def _fnv1a(text: str) -> int:
    """FNV-1a, 64 bit."""
    value = _FNV_OFFSET
    for byte in text.encode():
        value = ((value ^ byte) * _FNV_PRIME) % _RING
    return value
