"""The revision: a pure core that decides where requests go and when instances start and stop.

It does no I/O and reads no clock: it is told what happened and when, and answers with effects,
which the ingress carries out in order.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from gp_helpers.cloud_run.placement import (
    Instance,
    InstanceState,
    Placement,
    PlacementRequest,
    placement_named,
)
from gp_helpers.cloud_run.settings import RevisionSettings


class Refusal(Enum):
    """Why a request was not given to an instance."""

    QUEUE_TIMEOUT = "queue_timeout"
    """It waited as long as the rule allows, and no instance had room: 429."""
    START_FAILED = "start_failed"
    """The instance that it waited for did not start: 503."""


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Give a request to an instance, where it counts as in flight until `Revision.finish`."""

    request_id: int
    instance_id: str


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer a request without an instance."""

    request_id: int
    refusal: Refusal


@dataclass(frozen=True, slots=True)
class StartInstance:
    """Start an instance of that id."""

    instance_id: str


@dataclass(frozen=True, slots=True)
class StopInstance:
    """Shut an instance down: SIGTERM, grace, SIGKILL."""

    instance_id: str


Effect = Dispatch | Refuse | StartInstance | StopInstance


@dataclass(slots=True)
class _Waiting:
    request: PlacementRequest
    since: float


class Revision:
    """All instances of one revision and the requests that wait for one."""

    def __init__(self, settings: RevisionSettings, *, name: str = "instance") -> None:
        self.settings = settings
        self.name = name
        self.instances: dict[str, Instance] = {}
        self._placement: Placement = placement_named(settings.placement)
        self._queue: list[_Waiting] = []
        self._started_so_far = 0
        self._startup_times: list[float] = []

    @property
    def queue_length(self) -> int:
        """Requests that wait for an instance."""
        return len(self._queue)

    @property
    def average_startup_s(self) -> float:
        """Average time from start to ready of the instances so far; 0 if there is none."""
        times = self._startup_times
        return sum(times) / len(times) if times else 0.0

    @property
    def queue_timeout_s(self) -> float:
        """How long a request may wait for an instance now."""
        return max(
            self.settings.queue_timeout_factor * self.average_startup_s,
            self.settings.scaled(self.settings.queue_timeout_floor_s),
        )

    def reconfigure(self, settings: RevisionSettings) -> None:
        """Apply other settings from now on."""
        if settings.placement != self.settings.placement:
            self._placement = placement_named(settings.placement)
        self.settings = settings

    def arrive(self, request: PlacementRequest, now: float) -> list[Effect]:
        """A request has come."""
        self._queue.append(_Waiting(request, now))
        return self._place(now)

    def withdraw(self, request_id: int) -> None:
        """A waiting request's client has gone, or its time is up."""
        self._queue = [one for one in self._queue if one.request.id != request_id]

    def finish(self, instance_id: str, now: float) -> list[Effect]:
        """A request that was dispatched to the instance has ended."""
        instance = self.instances[instance_id]
        instance.in_flight -= 1
        if instance.in_flight == 0:
            instance.idle_since = now
        return self._place(now)

    def start(self, now: float) -> list[Effect]:
        """Start one more instance, whether it is needed or not."""
        return [self._start(now)]

    def add(self, instance_id: str, now: float) -> list[Effect]:
        """An instance that somebody else started serves from now on."""
        self.instances[instance_id] = Instance(
            instance_id, InstanceState.SERVING, now, now, is_cold=False, idle_since=now
        )
        return self._place(now)

    def ready(self, instance_id: str, now: float) -> list[Effect]:
        """The instance's start-up probe has passed."""
        instance = self.instances[instance_id]
        if instance.state is InstanceState.STARTING:
            instance.state = InstanceState.SERVING
            instance.ready_at = instance.idle_since = now
            self._startup_times.append(now - instance.started_at)
        return self._place(now)

    def drain(self, instance_id: str) -> None:
        """The instance receives no new requests from now on."""
        if self.instances[instance_id].state is not InstanceState.GONE:
            self.instances[instance_id].state = InstanceState.DRAINING

    def gone(self, instance_id: str, now: float) -> list[Effect]:
        """The instance has ended; what waited for its start fails if nothing else starts."""
        instance = self.instances[instance_id]
        failed_to_start = instance.state is InstanceState.STARTING
        instance.state = InstanceState.GONE
        if failed_to_start and not self._alive():
            refused: list[Effect] = [
                Refuse(one.request.id, Refusal.START_FAILED) for one in self._queue
            ]
            self._queue.clear()
            return refused
        return self._place(now)

    def tick(self, now: float) -> list[Effect]:
        """Time has passed: refuse what waited too long, shut down what idled too long."""
        effects: list[Effect] = [
            Refuse(one.request.id, Refusal.QUEUE_TIMEOUT)
            for one in self._queue
            if one.since + self.queue_timeout_s <= now
        ]
        self._queue = [one for one in self._queue if one.since + self.queue_timeout_s > now]
        for instance in self._idle():
            if self._idle_deadline(instance) <= now and self._may_scale_in():
                instance.state = InstanceState.DRAINING
                effects.append(StopInstance(instance.id))
        return effects

    def next_deadline(self) -> float | None:
        """When `tick` has something to do next."""
        deadlines = [one.since + self.queue_timeout_s for one in self._queue]
        if self._may_scale_in():
            deadlines += [self._idle_deadline(instance) for instance in self._idle()]
        return min(deadlines, default=None)

    def _place(self, now: float) -> list[Effect]:
        effects: list[Effect] = []
        while self._queue:
            room = [
                one
                for one in self._in_state(InstanceState.SERVING)
                if one.in_flight < self.settings.concurrency
            ]
            if not room:
                break
            request = self._queue.pop(0).request
            same = [one for one in room if one.id == request.affinity]
            chosen = same[0] if same else self._placement.choose(request, room)
            chosen.in_flight += 1
            chosen.requests_total += 1
            effects.append(Dispatch(request.id, chosen.id))
        while self._needs_another():
            effects.append(self._start(now))
        return effects

    def _needs_another(self) -> bool:
        starting = len(self._in_state(InstanceState.STARTING))
        return (
            len(self._queue) > starting * self.settings.concurrency
            and len(self._alive()) < self.settings.max_instances
        )

    def _start(self, now: float) -> StartInstance:
        self._started_so_far += 1
        instance_id = f"{self.name}-{self._started_so_far}"
        self.instances[instance_id] = Instance(instance_id, InstanceState.STARTING, now)
        return StartInstance(instance_id)

    def _in_state(self, state: InstanceState) -> list[Instance]:
        return [one for one in self.instances.values() if one.state is state]

    def _alive(self) -> list[Instance]:
        return self._in_state(InstanceState.SERVING) + self._in_state(InstanceState.STARTING)

    def _idle(self) -> list[Instance]:
        return [
            one
            for one in self._in_state(InstanceState.SERVING)
            if one.in_flight == 0 and one.is_cold
        ]

    def _idle_deadline(self, instance: Instance) -> float:
        return instance.idle_since + self.settings.scaled(self.settings.idle_instance_s)

    def _may_scale_in(self) -> bool:
        return len(self._alive()) > self.settings.min_instances
