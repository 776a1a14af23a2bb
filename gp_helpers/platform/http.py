"""The HTTP edge that all services share: errors, correlation ids, bodies, tokens, diagnostics."""

from __future__ import annotations

import hmac
import json
import logging
import math
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gp_helpers.platform.clock import Clock
from gp_helpers.platform.contract import CORRELATION_HEADER, DIAGNOSTICS_HEADER
from gp_helpers.platform.correlation import (
    adopt_correlation_id,
    current_correlation_id,
    speak_as,
)
from gp_helpers.platform.errors import PlatformError, TokenRefused
from gp_helpers.platform.logs import stamp_records

logger = logging.getLogger(__name__)

Body = TypeVar("Body", bound=BaseModel)

_DIAGNOSTICS_PREFIX = "/internal/"
_MAX_BODY_BYTES = 1_048_576


class RequestBody(BaseModel):
    """Base of the bodies that a service reads: unknown fields are ignored, types are not bent."""

    model_config = ConfigDict(frozen=True, strict=True)


class Traffic:
    """How many HTTP requests a service is serving and has served, diagnostics aside."""

    def __init__(self) -> None:
        self.in_flight = 0
        self.total = 0

    def state(self) -> dict[str, int]:
        return {"in_flight": self.in_flight, "total": self.total}


class Edge:
    """ASGI middleware: adopts a correlation id, counts the traffic and logs one line a request."""

    def __init__(self, app: ASGIApp, service: str, traffic: Traffic) -> None:
        self._app = app
        self._service = service
        self._traffic = traffic
        stamp_records()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            speak_as(self._service)
            await self._app(scope, receive, send)
            return
        speak_as(self._service)
        headers = dict(scope["headers"])
        offered = headers.get(CORRELATION_HEADER.lower().encode())
        correlation_id = adopt_correlation_id(offered.decode("latin-1") if offered else None)
        if scope["type"] == "websocket" or scope["path"].startswith(_DIAGNOSTICS_PREFIX):
            await self._app(scope, receive, send)
            return
        await self._serve(scope, receive, send, correlation_id)

    async def _serve(self, scope: Scope, receive: Receive, send: Send, correlation_id: str) -> None:
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[CORRELATION_HEADER] = correlation_id
            await send(message)

        self._traffic.in_flight += 1
        self._traffic.total += 1
        try:
            await self._app(scope, receive, send_with_id)
        finally:
            self._traffic.in_flight -= 1
            logger.info("%s %s -> %s", scope["method"], scope["path"], status or "no answer")


def error_response(error: PlatformError) -> Response:
    """The HTTP answer for an error; `Retry-After` is in whole seconds, rounded up."""
    headers = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after)))
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(
        {"error": error.to_wire(current_correlation_id())},
        status_code=error.status,
        headers=headers,
    )


async def _platform_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, PlatformError)
    return error_response(error)


async def _http_exception(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    codes = {404: "not_found", 405: "method_not_allowed", 413: "message_too_big"}
    response = error_response(PlatformError(codes.get(error.status_code, "invalid_request")))
    for name, value in (error.headers or {}).items():
        response.headers[name] = value
    return response


async def _unexpected(_request: Request, _error: Exception) -> Response:
    response = error_response(PlatformError("internal"))
    response.headers[CORRELATION_HEADER] = current_correlation_id() or ""
    return response


EXCEPTION_HANDLERS: dict[Any, Any] = {
    PlatformError: _platform_error,
    HTTPException: _http_exception,
    Exception: _unexpected,
}


async def read_body(request: Request, model: type[Body]) -> Body:
    """The request's JSON body; raises `PlatformError` (`invalid_request`, `message_too_big`)."""
    collected = bytearray()
    async for chunk in request.stream():
        collected += chunk
        if len(collected) > _MAX_BODY_BYTES:
            raise PlatformError("message_too_big")
    try:
        return model.model_validate_json(bytes(collected))
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, problem['loc'])) or 'body'}: {problem['msg']}"
            for problem in error.errors(include_url=False, include_input=False)
        )
        raise PlatformError("invalid_request", problems) from error


def bearer_token(request: Request) -> str:
    """The token of the `Authorization` header; raises `TokenRefused("token_missing")`."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.casefold() != "bearer" or not token.strip():
        raise TokenRefused("token_missing")
    return token.strip()


def secrets_match(offered: str | None, expected: str) -> bool:
    """Compare without telling by the time taken how much was right."""
    return hmac.compare_digest((offered or "").encode(), expected.encode())


class _ClockBody(RequestBody):
    offset_s: float


class _RoutesBody(RequestBody):
    messages: list[dict[str, Any]]


class Diagnostics:
    """`/internal/…` routes of a service, closed to whoever lacks the run's secret."""

    def __init__(
        self,
        secret: str,
        clock: Clock,
        state: Callable[[], dict[str, Any]],
        *,
        route_decisions: Callable[[Mapping[str, Any]], dict[str, Any]] | None = None,
        factories: Callable[[], Awaitable[dict[str, Any]]] | None = None,
    ) -> None:
        self._secret = secret
        self._clock = clock
        self._state = state
        self._route_decisions = route_decisions
        self._factories = factories

    def routes(self) -> list[Route]:
        routes = [
            Route("/internal/state", self._show_state, methods=["GET"]),
            Route("/internal/clock", self._set_clock, methods=["PUT"]),
        ]
        if self._route_decisions is not None:
            routes.append(Route("/internal/route", self._show_route, methods=["GET"]))
            routes.append(Route("/internal/route", self._show_routes, methods=["POST"]))
        if self._factories is not None:
            routes.append(Route("/internal/factories", self._show_factories, methods=["GET"]))
        return routes

    async def _show_state(self, request: Request) -> Response:
        self._authorise(request)
        return JSONResponse({**self._state(), "clock": self._clock_state()})

    async def _set_clock(self, request: Request) -> Response:
        self._authorise(request)
        body = await read_body(request, _ClockBody)
        if not math.isfinite(body.offset_s):
            raise PlatformError("invalid_request", "offset_s: not a finite number")
        self._clock.set_offset(body.offset_s)
        return JSONResponse(self._clock_state())

    async def _show_route(self, request: Request) -> Response:
        self._authorise(request)
        assert self._route_decisions is not None
        return JSONResponse({"decisions": self._route_decisions(dict(request.query_params))})

    async def _show_routes(self, request: Request) -> Response:
        self._authorise(request)
        assert self._route_decisions is not None
        body = await read_body(request, _RoutesBody)
        decisions = [self._route_decisions(message) for message in body.messages]
        return JSONResponse({"decisions": decisions})

    async def _show_factories(self, request: Request) -> Response:
        self._authorise(request)
        assert self._factories is not None
        return JSONResponse(await self._factories())

    def _clock_state(self) -> dict[str, float]:
        return {"offset_s": self._clock.offset_s, "now": self._clock.now()}

    def _authorise(self, request: Request) -> None:
        if not secrets_match(request.headers.get(DIAGNOSTICS_HEADER), self._secret):
            raise PlatformError("diagnostics_refused")


def health(status: Literal["live", "ready"], **details: Any) -> Response:
    """A green health reply."""
    return Response(
        json.dumps({"status": status, **details}), media_type="application/json", status_code=200
    )
