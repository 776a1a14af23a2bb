"""The backend's REST routes. Every reply names the owner that it was made for."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from pydantic import StringConstraints
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gp_helpers.platform.backend.services import BackendServices
from gp_helpers.platform.errors import AuthUnavailable
from gp_helpers.platform.http import RequestBody, bearer_token, read_body
from gp_helpers.platform.seams import Identity, TokenValidator

Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Content = Annotated[str, StringConstraints(min_length=1, max_length=32_768)]


class ThreadBody(RequestBody):
    title: Title = "New conversation"


class ChatBody(RequestBody):
    thread_id: str
    content: Content


class RestEndpoints:
    """The handlers of `/api/…`."""

    def __init__(self, services: BackendServices) -> None:
        self._services = services

    def routes(self) -> list[Route]:
        return [
            Route("/api/threads", self.list_threads, methods=["GET"]),
            Route("/api/threads", self.create_thread, methods=["POST"]),
            Route("/api/threads/{thread_id}", self.show_thread, methods=["GET"]),
            Route("/api/threads/{thread_id}/messages", self.list_messages, methods=["GET"]),
            Route("/api/chat/messages", self.add_message, methods=["POST"]),
            Route("/api/billing", self.show_billing, methods=["GET"]),
        ]

    async def list_threads(self, request: Request) -> Response:
        identity = await self._who(request, self._services.threads_validator)
        threads = await self._services.conversations.threads_of(identity.user_id)
        return JSONResponse(
            {"owner": identity.user_id, "threads": [asdict(thread) for thread in threads]}
        )

    async def create_thread(self, request: Request) -> Response:
        identity = await self._who(request, self._services.threads_validator)
        body = await read_body(request, ThreadBody)
        thread = await self._services.conversations.create(
            identity.user_id, body.title, self._services.clock.now()
        )
        return JSONResponse(asdict(thread), status_code=201)

    async def show_thread(self, request: Request) -> Response:
        identity = await self._who(request, self._services.threads_validator)
        thread = await self._services.conversations.thread(
            identity.user_id, request.path_params["thread_id"]
        )
        return JSONResponse(asdict(thread))

    async def list_messages(self, request: Request) -> Response:
        identity = await self._who(request, self._services.threads_validator)
        thread_id = request.path_params["thread_id"]
        messages = await self._services.conversations.messages_in(identity.user_id, thread_id)
        reply: dict[str, Any] = {
            "owner": identity.user_id,
            "thread_id": thread_id,
            "messages": [asdict(message) for message in messages],
        }
        return JSONResponse(reply)

    async def add_message(self, request: Request) -> Response:
        identity = await self._who(request, self._services.chat_validator)
        body = await read_body(request, ChatBody)
        message = await self._services.conversations.add(
            identity.user_id, body.thread_id, "user", body.content, self._services.clock.now()
        )
        return JSONResponse(asdict(message), status_code=201)

    async def show_billing(self, request: Request) -> Response:
        identity = await self._who(request, self._services.threads_validator)
        items = await self._services.billing.items_of(identity.user_id)
        return JSONResponse(
            {"owner": identity.user_id, "items": [item.to_wire() for item in items]}
        )

    async def _who(self, request: Request, validator: TokenValidator) -> Identity:
        token = bearer_token(request)
        try:
            return await validator.validate(token)
        except AuthUnavailable as failure:
            raise self._services.auth_failure_edge.translate(failure) from failure
