"""When an instance counts as started, and what a handshake does until it has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gp_helpers.platform.backend.startup import Readiness
from gp_helpers.platform.errors import PlatformError
from gp_helpers.platform.gateway.roles import EventManager
from gp_helpers.platform.settings import GatewaySettings


@dataclass(frozen=True, slots=True)
class ReadinessProbe:
    """An HTTP start-up probe: no traffic before every part of the instance is ready."""

    path: str = "/health/ready"

    def to_json(self) -> dict[str, Any]:
        return {"type": "http", "path": self.path}


@dataclass(frozen=True, slots=True)
class PortProbe:
    """A TCP start-up probe, Cloud Run's default: traffic as soon as the port listens."""

    def to_json(self) -> dict[str, Any]:
        return {"type": "tcp"}


class ManagerSlot:
    """Where the warm-up puts the event manager when it is made."""

    def __init__(self) -> None:
        self.manager: EventManager | None = None


class WaitingGate:
    """Has a handshake wait for readiness within a bound, and then honestly refuses it."""

    def __init__(self, readiness: Readiness, slot: ManagerSlot, settings: GatewaySettings) -> None:
        self._readiness = readiness
        self._slot = slot
        self._patience_s = settings.ready_wait_s

    async def admit(self) -> EventManager:
        is_ready = await self._readiness.wait(self._patience_s)
        if not is_ready or self._slot.manager is None:
            raise PlatformError("not_ready", retry_after=1.0)
        return self._slot.manager
