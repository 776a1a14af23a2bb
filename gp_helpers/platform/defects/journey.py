"""The as-reported components of the journey suite.

Each does its job when it is looked at alone; what breaks is how they fit together.
"""

from __future__ import annotations

import copy
import hashlib
import logging
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import anyio

from gp_helpers.platform.agents.model_client import ChatMessage, Completion, ModelClient
from gp_helpers.platform.agents.roles import RunFollower, RunKey
from gp_helpers.platform.clock import Clock
from gp_helpers.platform.contract import AgentRequest, Event
from gp_helpers.platform.seams import AgentRunner, EventSink, Identity
from gp_helpers.platform.store import Runs

logger = logging.getLogger(__name__)

_ANSWERS_KEPT = 500


class EmailAccount:
    """The account number that the billing import gives a customer: it follows from the address."""

    def account_of(self, identity: Identity) -> str:
        address = identity.email.strip().casefold()
        return f"acct_{hashlib.sha256(address.encode()).hexdigest()[:16]}"


@dataclass
class _Answer:
    asking: anyio.Lock = field(default_factory=anyio.Lock)
    completion: Completion | None = None


class PromptCache:
    """Spares the model what it has answered already; the same prompt asked at once goes out once.

    Only answers are kept, no wishes to call a tool, and the most recent ones.
    """

    def __init__(self, model: ModelClient) -> None:
        self._model = model
        self._answers: OrderedDict[str, _Answer] = OrderedDict()

    async def complete(
        self,
        messages: Sequence[ChatMessage],
        *,
        tools: Sequence[dict[str, Any]],
        tool_choice: str | dict[str, Any],
    ) -> Completion:
        if tool_choice != "none":
            return await self._model.complete(messages, tools=tools, tool_choice=tool_choice)
        answer = self._kept(_prompt(messages))
        async with answer.asking:
            if answer.completion is None:
                answer.completion = await self._model.complete(
                    messages, tools=tools, tool_choice=tool_choice
                )
        return answer.completion

    def _kept(self, prompt: str) -> _Answer:
        answer = self._answers.setdefault(prompt, _Answer())
        self._answers.move_to_end(prompt)
        while len(self._answers) > _ANSWERS_KEPT:
            self._answers.popitem(last=False)
        return answer


def _prompt(messages: Sequence[ChatMessage]) -> str:
    """What was asked: the instructions and the user's words."""
    asked = (m for m in messages if m["role"] in ("system", "user"))
    return "\n".join(f"{message['role']}: {message['content']}" for message in asked)


class OnceWhileRunning:
    """Keeps a request from being worked on twice at the same time."""

    def __init__(self, runner: AgentRunner, _runs: Runs, _clock: Clock, _instance_id: str) -> None:
        self._runner = runner
        self._running: set[RunKey] = set()

    async def run(self, identity: Identity, request: AgentRequest, sink: EventSink) -> None:
        key = RunKey(identity.user_id, request.id)
        if key in self._running:
            logger.info("request %s is being worked on already", request.id)
            return
        self._running.add(key)
        try:
            await self._runner.run(identity, request, sink)
        finally:
            self._running.discard(key)


class LoggedFailures:
    """Keeps a failed run from taking down whoever runs it: what went wrong is in the log."""

    def __init__(self, runner: AgentRunner) -> None:
        self._runner = runner

    async def run(self, identity: Identity, request: AgentRequest, sink: EventSink) -> None:
        try:
            await self._runner.run(identity, request, sink)
        except Exception:
            logger.exception("request %s failed", request.id)


class FollowersInOrder:
    """Tells every event to the followers, in the order in which they came.

    Each gets a copy of its own, so that none can change what the next one sees, and decides by
    itself whether the event is for it. Whoever leaves is closed, and keeps what it has noted.
    """

    def __init__(self) -> None:
        self._followers: list[RunFollower] = []
        self._notified = 0

    def follow(self, follower: RunFollower) -> None:
        self._followers.append(follower)

    def publish(self, event: Event) -> None:
        for follower in self._followers:
            follower.take(copy.deepcopy(event))
            self._notified += 1

    def leave(self, follower: RunFollower) -> None:
        follower.close()

    def state(self) -> dict[str, int]:
        return {"followers": len(self._followers), "notified": self._notified}
