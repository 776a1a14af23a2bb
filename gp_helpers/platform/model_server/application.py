"""The model server's ASGI application: `/v1/chat/completions` (also streamed), `/v1/models`."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from gp_helpers.platform.clock import Clock
from gp_helpers.platform.errors import PlatformError
from gp_helpers.platform.http import (
    EXCEPTION_HANDLERS,
    Diagnostics,
    Edge,
    RequestBody,
    Traffic,
    bearer_token,
    health,
    read_body,
    secrets_match,
)
from gp_helpers.platform.logs import service_log
from gp_helpers.platform.model_server.answer import answer, billing_lines
from gp_helpers.platform.settings import ModelSettings


class CompletionBody(RequestBody):
    """The part of a chat completion request that the embedded model looks at."""

    model: str
    messages: list[dict[str, Any]]
    tools: tuple[dict[str, Any], ...] = ()
    tool_choice: str | dict[str, Any] = "auto"
    stream: bool = False


class ModelEndpoints:
    """The handlers of `/v1/…`."""

    def __init__(self, settings: ModelSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock

    def routes(self) -> list[Route]:
        return [
            Route("/v1/models", self.models, methods=["GET"]),
            Route("/v1/chat/completions", self.complete, methods=["POST"]),
        ]

    async def models(self, request: Request) -> Response:
        self._authorise(request)
        model = {"id": self._settings.model_name, "object": "model", "owned_by": "golden-path"}
        return JSONResponse({"object": "list", "data": [model]})

    async def complete(self, request: Request) -> Response:
        self._authorise(request)
        body = await read_body(request, CompletionBody)
        message = _reply(body)
        finish = "tool_calls" if message.get("tool_calls") else "stop"
        head = {
            "id": f"chatcmpl-{secrets.token_hex(12)}",
            "created": int(self._clock.now()),
            "model": body.model,
        }
        if body.stream:
            return StreamingResponse(_stream(head, message, finish), media_type="text/event-stream")
        choice = {"index": 0, "message": message, "finish_reason": finish}
        return JSONResponse({**head, "object": "chat.completion", "choices": [choice]})

    def _authorise(self, request: Request) -> None:
        if not secrets_match(bearer_token(request), self._settings.api_key):
            raise PlatformError("invalid_service_credentials")


def _reply(body: CompletionBody) -> dict[str, Any]:
    try:
        lines = billing_lines(body.messages)
        if lines is not None:
            return {"role": "assistant", "content": answer(body.messages, lines)}
        names = [tool["function"]["name"] for tool in body.tools]
    except (KeyError, TypeError, ValueError) as error:
        raise PlatformError("invalid_request", f"messages or tools: {error!r}") from error
    if "get_billing" not in names or body.tool_choice == "none":
        content = "I can only answer from billing data; offer me the tool get_billing."
        return {"role": "assistant", "content": content}
    call = {
        "id": f"call_{secrets.token_hex(8)}",
        "type": "function",
        "function": {"name": "get_billing", "arguments": "{}"},
    }
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def _stream(head: dict[str, Any], message: dict[str, Any], finish: str) -> Iterator[str]:
    def chunk(delta: dict[str, Any], finish_reason: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        body = {**head, "object": "chat.completion.chunk", "choices": [choice]}
        return f"data: {json.dumps(body)}\n\n"

    yield chunk({"role": "assistant"})
    for index, call in enumerate(message.get("tool_calls", ())):
        yield chunk({"tool_calls": [{"index": index, **call}]})
    for line in (message["content"] or "").splitlines(keepends=True):
        yield chunk({"content": line})
    yield chunk({}, finish)
    yield "data: [DONE]\n\n"


def model_application(settings: ModelSettings, clock: Clock) -> Starlette:
    """The application of the embedded model server."""
    service = f"model/{settings.instance_id}"
    traffic = Traffic()

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        with service_log(service, settings.log_path):
            yield

    async def live(_request: Request) -> Response:
        return health("live")

    async def ready(_request: Request) -> Response:
        return health("ready")

    def state() -> dict[str, Any]:
        return {
            "service": "model",
            "instance_id": settings.instance_id,
            "in_flight": traffic.in_flight,
            "http": traffic.state(),
        }

    diagnostics = Diagnostics(settings.diagnostics_secret, clock, state)
    return Starlette(
        routes=[
            *ModelEndpoints(settings, clock).routes(),
            Route("/health/live", live, methods=["GET"]),
            Route("/health/ready", ready, methods=["GET"]),
            *diagnostics.routes(),
        ],
        middleware=[Middleware(Edge, service=service, traffic=traffic)],
        exception_handlers=EXCEPTION_HANDLERS,
        lifespan=lifespan,
    )
