"""A client of an OpenAI-compatible `POST /chat/completions`, with bounded attempts."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import anyio

from gp_helpers.platform.clock import Clock
from gp_helpers.platform.errors import ModelUnavailable, PlatformError
from gp_helpers.platform.hops import HopFailed, HopReply
from gp_helpers.platform.settings import BackendSettings

if TYPE_CHECKING:
    from gp_helpers.platform.service_client import ServiceClient

logger = logging.getLogger(__name__)

_FIRST_PAUSE_S = 0.05

ChatMessage = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool that the model wants to have called."""

    id: str
    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Completion:
    """The model's reply: text, or tool calls, and the message to put into the conversation."""

    text: str
    tool_calls: tuple[ToolCall, ...]
    message: ChatMessage


class ModelClient:
    """Asks the model; what may pass by itself is tried again, at most `model_attempts` times."""

    def __init__(self, http: ServiceClient, settings: BackendSettings, clock: Clock) -> None:
        self._http = http
        self._clock = clock
        self._base_url = settings.model_url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {settings.model_api_key}"}
        self._model = settings.model_name
        self._timeout_s = settings.model_timeout_s
        self._attempts = settings.model_attempts

    async def complete(
        self,
        messages: Sequence[ChatMessage],
        *,
        tools: Sequence[dict[str, Any]],
        tool_choice: str | dict[str, Any],
    ) -> Completion:
        """Raises `ModelUnavailable`, or `PlatformError("model_protocol")` for nonsense."""
        body = {
            "model": self._model,
            "messages": list(messages),
            "tools": list(tools),
            "tool_choice": tool_choice,
        }
        pause_s = _FIRST_PAUSE_S
        for attempt in range(1, self._attempts):
            try:
                return await self._ask(body)
            except ModelUnavailable as failure:
                logger.warning("attempt %d at the model server failed: %s", attempt, failure)
                await anyio.sleep(pause_s)
                pause_s *= 2
        return await self._ask(body)

    async def ready(self) -> None:
        """Return when the model server lists its models; raises `ModelUnavailable`."""
        try:
            response = await self._http.request(
                "GET",
                f"{self._base_url}/models",
                headers=self._headers,
                timeout_s=self._timeout_s,
            )
        except HopFailed as error:
            raise ModelUnavailable("The model server could not be reached.") from error
        if response.status != HTTPStatus.OK:
            raise ModelUnavailable(f"The model server answered {response.status}.")

    async def _ask(self, body: dict[str, Any]) -> Completion:
        try:
            with self._clock.fail_after(self._timeout_s):
                response = await self._http.request(
                    "POST",
                    f"{self._base_url}/chat/completions",
                    body=body,
                    headers=self._headers,
                )
        except TimeoutError as error:
            raise ModelUnavailable("The model server did not answer in time.") from error
        except HopFailed as error:
            raise ModelUnavailable("The model server could not be reached.") from error
        if response.status == HTTPStatus.TOO_MANY_REQUESTS or response.is_server_error:
            raise ModelUnavailable(f"The model server answered {response.status}.")
        if not response.is_success:
            raise PlatformError("model_protocol", f"The model server answered {response.status}.")
        return _completion(response)


def _completion(response: HopReply) -> Completion:
    try:
        message = response.json()["choices"][0]["message"]
        calls = tuple(
            ToolCall(
                call["id"],
                call["function"]["name"],
                dict(json.loads(call["function"]["arguments"] or "{}")),
            )
            for call in message.get("tool_calls") or ()
        )
        text = message.get("content") or ""
        if not isinstance(text, str):
            raise TypeError("the content is not text")
        return Completion(text, calls, dict(message))
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise PlatformError("model_protocol") from error
