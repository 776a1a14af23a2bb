"""What the model says to a conversation, asked anew for each: an answer belongs to who asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gp_helpers.platform.agents.model_client import ChatMessage, Completion, ModelClient


class OwnCompletions:
    """Asks the model each time; two conversations with the same prompt hold different data."""

    def __init__(self, model: ModelClient) -> None:
        self._model = model

    async def complete(
        self,
        messages: Sequence[ChatMessage],
        *,
        tools: Sequence[dict[str, Any]],
        tool_choice: str | dict[str, Any],
    ) -> Completion:
        return await self._model.complete(messages, tools=tools, tool_choice=tool_choice)
