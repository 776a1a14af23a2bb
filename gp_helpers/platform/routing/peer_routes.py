"""What other instances may ask of this one, under the service's own secret."""

from __future__ import annotations

from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gp_helpers.platform.contract import (
    SERVICE_ID_HEADER,
    SERVICE_SECRET_HEADER,
    AgentRequest,
    Priority,
)
from gp_helpers.platform.errors import PlatformError
from gp_helpers.platform.http import RequestBody, read_body, secrets_match
from gp_helpers.platform.seams import Gateway, Identity
from gp_helpers.platform.settings import BackendSettings


class _NoticeBody(RequestBody):
    user_id: str
    event_id: int


class _IdentityBody(RequestBody):
    user_id: str
    email: str
    permissions: list[str]
    expires_at: float


class _RequestBody(RequestBody):
    id: str
    thread_id: str
    message: str
    agent: str | None
    priority: Literal["high", "normal", "low"]
    preferences: dict[str, str]


class _WorkBody(RequestBody):
    identity: _IdentityBody
    request: _RequestBody


class PeerRoutes:
    """The handlers of `/peer/…`."""

    def __init__(self, gateway: Gateway, settings: BackendSettings) -> None:
        self._gateway = gateway
        self._settings = settings

    def routes(self) -> list[Route]:
        return [
            Route("/peer/events", self.hear, methods=["POST"]),
            Route("/peer/work", self.take_over, methods=["POST"]),
            Route("/peer/load", self.load, methods=["GET"]),
        ]

    async def hear(self, request: Request) -> Response:
        self._authorise(request)
        notice = await read_body(request, _NoticeBody)
        self._gateway.hear_of(notice.user_id, notice.event_id)
        return Response(status_code=204)

    async def take_over(self, request: Request) -> Response:
        self._authorise(request)
        body = await read_body(request, _WorkBody)
        stated: dict[str, Any] = body.identity.model_dump()
        identity = Identity(**{**stated, "permissions": tuple(stated["permissions"])})
        asked = body.request.model_dump()
        self._gateway.work_on(
            identity, AgentRequest(**{**asked, "priority": Priority(asked["priority"])})
        )
        return Response(status_code=202)

    async def load(self, request: Request) -> Response:
        self._authorise(request)
        return JSONResponse({"waiting": self._gateway.waiting})

    def _authorise(self, request: Request) -> None:
        settings = self._settings
        is_peer = request.headers.get(SERVICE_ID_HEADER) == settings.service_id
        if not is_peer or not secrets_match(
            request.headers.get(SERVICE_SECRET_HEADER), settings.service_secret
        ):
            raise PlatformError("invalid_service_credentials")
