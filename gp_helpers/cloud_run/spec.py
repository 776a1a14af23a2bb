"""What a service is, before it runs: where its code is, what it gets, when it has started.

Specifications travel as JSON between processes, so everything in them is plain data.
"""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import Any

LOOPBACK = "127.0.0.1"
"""The only address that services bind."""


class Isolation(Enum):
    """What separates the services of one host."""

    PROCESS = "process"
    """Each service is an operating-system process of its own."""
    THREAD = "thread"
    """All services share one event loop in one thread of this process."""


class EntryKind(Enum):
    """What the import string of a service names."""

    ASGI_FACTORY = "asgi_factory"
    """A callable that takes the configuration and returns an ASGI application."""
    ASGI_APP = "asgi_app"
    """An ASGI application itself, as in ``uvicorn package.module:app``."""
    SERVER = "server"
    """An async callable that takes a `ServiceContext` and serves by itself."""


@dataclass(frozen=True, slots=True)
class TcpProbe:
    """The service has started when a TCP connection to its port succeeds."""

    period_s: float = 0.005
    """Time between two attempts."""
    timeout_s: float = 1.0
    """Longest wait for one attempt."""


@dataclass(frozen=True, slots=True)
class HttpProbe:
    """The service has started when GET `path` is answered with a status from 200 to 399."""

    path: str = "/health/ready"
    period_s: float = 0.005
    """Time between two attempts."""
    timeout_s: float = 1.0
    """Longest wait for one attempt."""


Probe = TcpProbe | HttpProbe


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """One service: its code by import string, its configuration, its start-up probe."""

    name: str
    """Unique within a host; also names the log file."""
    entry: str
    """``package.module:name``; what it names is told by `kind`."""
    config: Mapping[str, Any] = field(default_factory=dict)
    """JSON-able; handed to an ASGI factory or found in the `ServiceContext`."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Added to the environment of the service's process; refused in thread isolation."""
    startup_probe: Probe | None = None
    """``None``: started as soon as the server says that it listens."""
    start_timeout_s: float = 10.0
    kind: EntryKind = EntryKind.ASGI_FACTORY
    port: int = 0
    """0 lets the kernel choose."""
    ws_max_size: int = 16 * 1024 * 1024
    """Longest WebSocket message in bytes; a longer one is answered with close code 1009."""
    ws_ping_interval_s: float | None = None
    """Interval of the server's own pings; ``None`` sends none (a heartbeat is the service's)."""
    reuses_process: bool = False
    """Its code keeps nothing at module level: one process may be several such services in turn."""

    def __post_init__(self) -> None:
        if not self.name or "/" in self.name:
            raise ValueError(f"a service's name must be usable as a file name, not {self.name!r}")
        module, _, attribute = self.entry.partition(":")
        if not module or not attribute:
            raise ValueError(f"entry of {self.name!r} must be 'module:name', not {self.entry!r}")


def spec_to_json(spec: ServiceSpec) -> dict[str, Any]:
    """Return `spec` as plain JSON data."""
    probe = spec.startup_probe
    return {
        **{
            name: getattr(spec, name)
            for name in (
                "name",
                "entry",
                "start_timeout_s",
                "port",
                "ws_max_size",
                "ws_ping_interval_s",
                "reuses_process",
            )
        },
        "config": dict(spec.config),
        "environment": dict(spec.environment),
        "kind": spec.kind.value,
        "startup_probe": probe_to_json(probe),
    }


def spec_from_json(data: Mapping[str, Any]) -> ServiceSpec:
    """Return the specification that `spec_to_json` wrote."""
    return ServiceSpec(
        **{
            **data,
            "kind": EntryKind(data["kind"]),
            "startup_probe": probe_from_json(data["startup_probe"]),
        }
    )


def probe_to_json(probe: Probe | None) -> dict[str, Any] | None:
    """Return a start-up probe as plain JSON data; ``type`` is ``tcp`` or ``http``."""
    if probe is None:
        return None
    return {"type": "http" if isinstance(probe, HttpProbe) else "tcp", **asdict(probe)}


def probe_from_json(data: Mapping[str, Any] | None) -> Probe | None:
    """Return the probe that `probe_to_json` wrote."""
    if data is None:
        return None
    arguments = {key: value for key, value in data.items() if key != "type"}
    return HttpProbe(**arguments) if data["type"] == "http" else TcpProbe(**arguments)


@dataclass(frozen=True, slots=True)
class ExitStatus:
    """How a service ended: by itself with a code, or by a signal."""

    code: int | None = None
    signal: int | None = None

    @property
    def is_clean(self) -> bool:
        """Whether the service ended by itself, with code 0."""
        return self.code == 0

    def __str__(self) -> str:
        if self.signal is not None:
            return f"killed by {signal.Signals(self.signal).name}"
        return f"exit code {self.code}"
