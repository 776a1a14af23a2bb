"""Time that passes for a platform without being waited for: in steps, one service after another.

What a step sets off in the backend is under way before the ingress's time goes on. So what is due
first comes first, as it does on an idle machine, however busy this one is.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from gp_helpers.cases.trial import Trial

INGRESS = "ingress"
_ACTS_WITHIN_S = 10.0


@dataclass
class PassingTime:
    """How far the clocks of a trial's platform are ahead; the target must have `Ability.CLOCK`."""

    trial: Trial
    passed_s: float = 0.0

    async def steps(self, seconds: float, *, of_s: float) -> AsyncIterator[None]:
        """Let so many seconds pass, ``of_s`` at a time; yields after each step."""
        self.trial.control("let time pass", seconds=seconds, of_s=of_s)
        end = self.passed_s + seconds
        while self.passed_s < end:
            self.passed_s = min(self.passed_s + of_s, end)
            await self.trial.controls.set_clock(self.passed_s)
            await self._backend_acts()
            await self.trial.controls.set_clock(self.passed_s, INGRESS)
            yield

    async def _backend_acts(self) -> None:
        """Wait until two readings in a row show the same: what was due has been sent."""
        before: list[Any] = []

        async def nothing_changes() -> bool:
            nonlocal before
            last, before = before, [await self._done(name) for name in await self._instances()]
            return last == before

        await self.trial.until(nothing_changes, timeout_s=_ACTS_WITHIN_S, awaited="what is due")

    async def _instances(self) -> list[str]:
        return list(await self.trial.controls.instances())

    async def _done(self, instance: str) -> tuple[Any, ...]:
        state = await self.trial.controls.state(instance)
        connections = [(one["connection_id"], one["state"]) for one in state["connections"]]
        return state["messages"], state["heartbeats"], state["queued"], connections
