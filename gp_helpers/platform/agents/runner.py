"""Works on one request: its agents ask the model and call the tool, told in five events."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from gp_helpers.platform.agents.model_client import ChatMessage, Completion
from gp_helpers.platform.agents.roles import Completions
from gp_helpers.platform.agents.specifications import INSTRUCTIONS
from gp_helpers.platform.agents.tools import BillingTool
from gp_helpers.platform.clock import Clock
from gp_helpers.platform.contract import AgentRequest, Event, EventType, ServerMessage
from gp_helpers.platform.correlation import current_correlation_id
from gp_helpers.platform.errors import PlatformError
from gp_helpers.platform.routing.roles import AgentRouter, Delegation, Errand
from gp_helpers.platform.seams import EventSink, Identity
from gp_helpers.platform.store import Conversations

logger = logging.getLogger(__name__)

RECOMMENDATIONS_HEADING = "Recommendations:"
"""The line after which a model lists its recommendations, each on a line that opens with `- `."""

Tell = Callable[..., Awaitable[None]]
"""Emits an event: its type, the agent, and its data."""


@dataclass(frozen=True, slots=True)
class Share:
    """What one agent wrote about a request."""

    agent: str
    text: str


class ModelAgentRunner:
    """Has each agent ask the model in its turn; the first calls the tool, the last one answers."""

    def __init__(
        self,
        *,
        router: AgentRouter,
        delegation: Delegation,
        model: Completions,
        tool: BillingTool,
        conversations: Conversations,
        clock: Clock,
    ) -> None:
        self._router = router
        self._delegation = delegation
        self._model = model
        self._tool = tool
        self._conversations = conversations
        self._clock = clock

    async def run(self, identity: Identity, request: AgentRequest, sink: EventSink) -> None:
        """Emit the request's five events, or as many as came about and one error."""
        agent = request.agent or ""
        try:
            agent = self._router.decide(request)
            await self._work(agent, identity, request, sink)
        except PlatformError as error:
            logger.warning("request %s failed: %s", request.id, error)
            await self._tell_error(agent, identity, request, sink, error)
        except Exception:
            logger.exception("request %s failed", request.id)
            await self._tell_error(agent, identity, request, sink, PlatformError("internal"))

    async def _work(
        self, first: str, identity: Identity, request: AgentRequest, sink: EventSink
    ) -> None:
        async def tell(event_type: EventType, agent: str, **data: Any) -> None:
            event = self._event(event_type, agent, identity, request, data)
            await sink.emit(identity.user_id, event)

        looked_up: list[ChatMessage] = []
        answers: list[Share] = []

        async def take_turn(agent: str) -> None:
            if not looked_up:
                looked_up.extend(await self._look_up(agent, identity, request, tell))
            text = await self._answer(agent, request, looked_up, answers)
            answers.append(Share(agent, text))

        await self._store(identity, request, "user", request.message)
        await tell(
            EventType.AGENT_STARTED,
            first,
            message=request.message,
            preferences=dict(request.preferences),
            queue=request.ticket.to_json(),
        )
        await self._delegation.work(first, Errand(request, take_turn))
        last = answers[-1]
        await self._store(identity, request, "assistant", last.text)
        result, recommendations = read_answer(last.text)
        await tell(
            EventType.AGENT_COMPLETED,
            last.agent,
            result=result,
            recommendations=recommendations,
            handoffs=[{"from": a.agent, "to": b.agent} for a, b in pairwise(answers)],
        )

    async def _look_up(
        self, agent: str, identity: Identity, request: AgentRequest, tell: Tell
    ) -> list[ChatMessage]:
        """The model's wish for the tool, and what the tool found."""
        await tell(EventType.AGENT_THINKING, agent, step="choosing what to look up")
        choice = {"type": "function", "function": {"name": self._tool.name}}
        wish = await self._model.complete(
            self._opening(agent, request, ()),
            tools=[self._tool.specification()],
            tool_choice=choice,
        )
        if [call.name for call in wish.tool_calls] != [self._tool.name]:
            raise PlatformError("model_protocol", "The model did not call the tool once.")
        await tell(EventType.TOOL_EXECUTING, agent, tool=self._tool.name)
        found = await self._tool.call(identity)
        await tell(EventType.TOOL_COMPLETED, agent, tool=self._tool.name, items=len(found["items"]))
        return [wish.message, _tool_result(wish, found)]

    async def _answer(
        self,
        agent: str,
        request: AgentRequest,
        looked_up: Sequence[ChatMessage],
        notes: Sequence[Share],
    ) -> str:
        """The agent's answer from what was looked up and what the agents before it wrote."""
        completion = await self._model.complete(
            [*self._opening(agent, request, notes), *looked_up],
            tools=[self._tool.specification()],
            tool_choice="none",
        )
        if not completion.text.strip():
            raise PlatformError("model_protocol", "The model's answer is empty.")
        return completion.text

    def _opening(
        self, agent: str, request: AgentRequest, notes: Sequence[Share]
    ) -> list[ChatMessage]:
        lines = [
            f"You are the {agent} agent. {INSTRUCTIONS[agent]}",
            f"Look the user's costs up with the tool {self._tool.name}. Name their largest cost, "
            "its amount and its project.",
            f"End with a line `{RECOMMENDATIONS_HEADING}` and at least two lines that open "
            "with `- `.",
            *(f"Preference {name}: {value}" for name, value in sorted(request.preferences.items())),
            *(f"Notes of the {note.agent} agent:\n{note.text}" for note in notes),
        ]
        return [
            {"role": "system", "content": "\n".join(lines)},
            {"role": "user", "content": request.message},
        ]

    async def _store(
        self, identity: Identity, request: AgentRequest, role: Any, content: str
    ) -> None:
        await self._conversations.add(
            identity.user_id,
            request.thread_id,
            role,
            content,
            self._clock.now(),
            request_id=request.id,
        )

    async def _tell_error(
        self,
        agent: str,
        identity: Identity,
        request: AgentRequest,
        sink: EventSink,
        error: PlatformError,
    ) -> None:
        data = error.to_wire(current_correlation_id())
        event = self._event(ServerMessage.ERROR, agent, identity, request, data)
        await sink.emit(identity.user_id, event)

    def _event(
        self,
        event_type: EventType | ServerMessage,
        agent: str,
        identity: Identity,
        request: AgentRequest,
        data: Mapping[str, Any],
    ) -> Event:
        return Event(
            type=event_type,
            request_id=request.id,
            thread_id=request.thread_id,
            user_id=identity.user_id,
            agent=agent,
            timestamp=self._clock.now(),
            data=data,
        )


def read_answer(text: str) -> tuple[str, list[str]]:
    """The answer's text, and the recommendations that it lists after their heading."""
    result, _, listed = text.partition(RECOMMENDATIONS_HEADING)
    lines = (line.strip() for line in listed.splitlines())
    return result.strip(), [line[2:].strip() for line in lines if line.startswith("- ")]


def _tool_result(wish: Completion, found: Mapping[str, Any]) -> ChatMessage:
    return {
        "role": "tool",
        "tool_call_id": wish.tool_calls[0].id,
        "content": json.dumps(found),
    }
