"""Settings of a revision behind the ingress, with Cloud Run's defaults and limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from gp_helpers.cloud_run.rules import RULE
from gp_helpers.cloud_run.spec import Probe, TcpProbe, probe_from_json, probe_to_json

_TIMEOUT = RULE["request_timeout"].values
_CONCURRENCY = RULE["concurrency"].values
_QUEUE = RULE["queue_at_instance_limit"].values

_DEFAULT_PROBE = TcpProbe()

ROUND_ROBIN = "round_robin"
LEAST_LOADED = "least_loaded"


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionSettings:
    """How the ingress treats requests and instances. Durations are in seconds before scaling."""

    request_timeout_s: float = float(_TIMEOUT["default_s"])
    """Longest life of a request, WebSockets included."""
    idle_timeout_s: float | None = None
    """A proxy in front, not Cloud Run: cut a WebSocket that is silent so long. ``None``: off."""
    concurrency: int = int(_CONCURRENCY["default"])
    """Requests that an instance receives at the same time."""
    min_instances: int = 0
    max_instances: int = 100
    startup_probe: Probe = _DEFAULT_PROBE
    session_affinity: bool = False
    placement: str = ROUND_ROBIN
    """``round_robin``, ``least_loaded``, or ``package.module:name`` of a `Placement` class."""
    queue_timeout_floor_s: float = float(_QUEUE["floor_s"])
    queue_timeout_factor: float = float(_QUEUE["factor"])
    """Times the average start-up time."""
    idle_instance_s: float = float(RULE["idle_instances"].values["most_s"])
    """An instance without requests for so long is shut down."""
    shutdown_grace_s: float = float(RULE["shutdown"].values["grace_s"])
    """Between SIGTERM and SIGKILL."""
    time_scale: float = 1.0
    """Multiplies every duration above; 0.001 makes 300 s of Cloud Run 0.3 s."""

    def __post_init__(self) -> None:
        self._check("request_timeout_s", 0, float(_TIMEOUT["most_s"]))
        self._check("concurrency", 1, float(_CONCURRENCY["most"]))
        self._check("min_instances", 0, self.max_instances)
        self._check("max_instances", 1, 1000)
        if self.time_scale <= 0:
            raise ValueError(f"time_scale must be above 0, not {self.time_scale}")

    def _check(self, name: str, least: float, most: float) -> None:
        value = getattr(self, name)
        if not least <= value <= most:
            raise ValueError(f"{name} must be from {least} to {most}, not {value}")

    def scaled(self, seconds: float) -> float:
        """Return a duration of Cloud Run as one of this machine."""
        return seconds * self.time_scale

    def to_json(self) -> dict[str, Any]:
        """Return the settings as plain JSON data."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {**values, "startup_probe": probe_to_json(self.startup_probe)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> RevisionSettings:
        """Return settings from JSON data; what is not named has its default.

        Raises:
            ValueError: a name is unknown, or a value outside its limits.
        """
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(data) - known):
            raise ValueError(f"unknown settings: {', '.join(unknown)}; known: {sorted(known)}")
        values = dict(data)
        if "startup_probe" in values:
            values["startup_probe"] = probe_from_json(values["startup_probe"]) or TcpProbe()
        return cls(**values)
