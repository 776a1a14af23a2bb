"""What becomes of a request that is repeated: its id is remembered, so that it is done once.

A client whose connection broke cannot know whether its request arrived, so it sends it again.
"""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass

import anyio

from gp_helpers.platform.agents.roles import RunKey
from gp_helpers.platform.clock import Clock
from gp_helpers.platform.contract import AgentRequest, Event, EventType
from gp_helpers.platform.errors import StoreUnavailable
from gp_helpers.platform.seams import AgentRunner, EventSink, Identity
from gp_helpers.platform.store import Claim, Runs

logger = logging.getLogger(__name__)

LEASE_S = 60.0
"""How long another instance counts as working on a request; longer than any run takes."""
_RECORD_WITHIN_S = 1.0
"""How long a service that is ending may take to record what became of a run."""


class OutcomeSink:
    """Passes events on, and knows whether the answer was among them."""

    def __init__(self, sink: EventSink) -> None:
        self.answered = False
        self._sink = sink

    async def emit(self, user_id: str, event: Event) -> None:
        await self._sink.emit(user_id, event)
        self.answered = self.answered or event.type is EventType.AGENT_COMPLETED


@dataclass(frozen=True, slots=True)
class _Attempt:
    key: RunKey
    id: str


class StoredOnce:
    """Works on a request once, whoever repeats it, on whichever instance, and however late.

    The events of a repeated request are those of its one run; `resume` replays them. A request
    that failed may be repeated.
    """

    def __init__(self, runner: AgentRunner, runs: Runs, clock: Clock, instance_id: str) -> None:
        self._runner = runner
        self._runs = runs
        self._clock = clock
        # A new process is another holder, even under the same name.
        self._holder = f"{instance_id}/{secrets.token_hex(8)}"
        self._active: set[RunKey] = set()
        self._unrecorded: dict[_Attempt, bool] = {}
        """Attempts whose outcome (whether it answered) could not be stored yet."""

    @property
    def unrecorded(self) -> int:
        """How many attempts have an outcome that is not stored yet."""
        return len(self._unrecorded)

    async def run(self, identity: Identity, request: AgentRequest, sink: EventSink) -> None:
        """Raises what the runner raises, and `StoreUnavailable`."""
        attempt = _Attempt(RunKey(identity.user_id, request.id), secrets.token_hex(8))
        if attempt.key in self._active:
            logger.info("request %s is being worked on already", request.id)
            return
        self._active.add(attempt.key)
        try:
            await self._record_late()
            claim = await self._runs.claim(
                identity.user_id,
                request.id,
                holder=self._holder,
                attempt=attempt.id,
                now=self._clock.now(),
                lease_s=LEASE_S,
            )
            if claim is Claim.TAKEN:
                await self._work(attempt, identity, request, sink)
            else:
                logger.info("request %s is not begun again: %s", request.id, claim.value)
        finally:
            self._active.discard(attempt.key)

    async def _work(
        self, attempt: _Attempt, identity: Identity, request: AgentRequest, sink: EventSink
    ) -> None:
        watched = OutcomeSink(sink)
        try:
            await self._runner.run(identity, request, watched)
        except StoreUnavailable:
            # Whoever asked is to hear of it now, not after another wait for the store.
            self._unrecorded[attempt] = watched.answered
            raise
        except BaseException:
            await self._record_at_the_end(attempt, watched.answered)
            raise
        await self._record_at_the_end(attempt, watched.answered)

    async def _record_at_the_end(self, attempt: _Attempt, answered: bool) -> None:
        with anyio.move_on_after(_RECORD_WITHIN_S, shield=True):
            try:
                await self._record(attempt, answered)
            except StoreUnavailable as error:
                logger.warning("the outcome of %s is recorded later: %s", attempt.key, error)

    async def _record_late(self) -> None:
        while self._unrecorded:
            await self._record(*self._unrecorded.popitem())

    async def _record(self, attempt: _Attempt, answered: bool) -> None:
        key = attempt.key
        try:
            if answered:
                await self._runs.finish(key.user_id, key.request_id)
            else:
                await self._runs.release(key.user_id, key.request_id, attempt=attempt.id)
        except BaseException:
            self._unrecorded[attempt] = answered
            raise
