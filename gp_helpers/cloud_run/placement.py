"""Which instance a request goes to: a seam, chosen by name or import string in the settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from gp_helpers.cloud_run.server import resolve
from gp_helpers.cloud_run.settings import LEAST_LOADED, ROUND_ROBIN


class InstanceState(Enum):
    """Where an instance is in its life."""

    STARTING = "starting"
    """Its start-up probe has not passed yet; it receives nothing."""
    SERVING = "serving"
    """It receives requests."""
    DRAINING = "draining"
    """It is being shut down: it keeps its requests and receives no new ones."""
    GONE = "gone"
    """It has ended."""


@dataclass(slots=True)
class Instance:
    """One instance of the revision, as the ingress sees it. Times are of the monotonic clock."""

    id: str
    state: InstanceState
    started_at: float
    ready_at: float | None = None
    is_cold: bool = True
    """Started by the ingress; False for one that it was told about."""
    in_flight: int = 0
    """Requests now, WebSockets included."""
    requests_total: int = 0
    """Requests so far, WebSockets included."""
    idle_since: float = 0.0


@dataclass(frozen=True, slots=True)
class PlacementRequest:
    """What a placement may look at."""

    id: int
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""
    is_websocket: bool = False
    client: str = ""
    affinity: str | None = None
    """The instance that the client's affinity cookie names."""


class Placement(Protocol):
    """Chooses among the instances that serve and have room; at least one is given."""

    def choose(self, request: PlacementRequest, candidates: Sequence[Instance]) -> Instance: ...


class RoundRobin:
    """One instance after the other, whatever their load."""

    def __init__(self) -> None:
        self._last = ""

    def choose(self, request: PlacementRequest, candidates: Sequence[Instance]) -> Instance:  # noqa: ARG002
        in_order = sorted(candidates, key=lambda instance: _natural(instance.id))
        later = [one for one in in_order if _natural(one.id) > _natural(self._last)]
        chosen = (later or in_order)[0]
        self._last = chosen.id
        return chosen


class LeastLoaded:
    """The instance with the fewest requests now; among equals, the one with the fewest so far."""

    def choose(self, request: PlacementRequest, candidates: Sequence[Instance]) -> Instance:  # noqa: ARG002
        return min(candidates, key=lambda one: (one.in_flight, one.requests_total, one.id))


def _natural(instance_id: str) -> tuple[int, str]:
    """Order ``backend-10`` after ``backend-9``."""
    return (len(instance_id), instance_id)


def placement_named(name: str) -> Placement:
    """Return the placement of that name or import string.

    Raises:
        EntryError: the import string names nothing.
    """
    known: dict[str, type[Placement]] = {ROUND_ROBIN: RoundRobin, LEAST_LOADED: LeastLoaded}
    made: Placement = known[name]() if name in known else resolve(name)()
    return made
