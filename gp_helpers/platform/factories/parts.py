"""What the platform's factories are made from, and the one who keeps record of their products."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Protocol

from gp_helpers.platform.backend.supervision import Supervisor
from gp_helpers.platform.clock import Clock
from gp_helpers.platform.contract import Mode
from gp_helpers.platform.factories.contract import Role
from gp_helpers.platform.seams import AgentRunner


class SessionLedger(Protocol):
    """The record of open sessions and of what is made for them. All raise `StoreUnavailable`."""

    async def open_session(self, session_id: str, user_id: str, mode: Mode, now: float) -> None: ...

    async def close_session(self, session_id: str) -> None:
        """A session's parts have to be gone before it."""
        ...

    async def add_part(self, part_id: str, session_id: str, role: Role, now: float) -> None: ...

    async def remove_part(self, part_id: str) -> None: ...


class Living:
    """Counts agents and engines that were made and not closed yet."""

    def __init__(self) -> None:
        self._living: dict[Role, set[str]] = {role: set() for role in Role}

    def count(self, role: Role) -> int:
        return len(self._living[role])

    def add(self, role: Role) -> str:
        """The id of a product that lives from now on."""
        product_id = f"{role}_{secrets.token_hex(8)}"
        self._living[role].add(product_id)
        return product_id

    def remove(self, role: Role, product_id: str) -> None:
        self._living[role].discard(product_id)


@dataclass(frozen=True, slots=True)
class FactoryParts:
    """What a backend instance gives to all of its factories."""

    runner: AgentRunner
    supervisor: Supervisor
    """Owner of the engines' tasks."""
    ledger: SessionLedger
    living: Living
    clock: Clock
