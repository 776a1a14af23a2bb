"""The backend's ASGI application: REST, the gateway's socket, health, diagnostics, start-up."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute

from gp_helpers.platform.backend.rest import RestEndpoints
from gp_helpers.platform.backend.services import BackendServices
from gp_helpers.platform.backend.startup import Part, warm_up
from gp_helpers.platform.contract import ClientMessage
from gp_helpers.platform.errors import PlatformError
from gp_helpers.platform.gateway.messages import Frame
from gp_helpers.platform.gateway.messages import Request as Incoming
from gp_helpers.platform.http import EXCEPTION_HANDLERS, Diagnostics, Edge, Traffic, health
from gp_helpers.platform.logs import service_log
from gp_helpers.platform.routing.instances import AddressReader
from gp_helpers.platform.routing.peer_routes import PeerRoutes
from gp_helpers.platform.routing.roles import MessageRouter
from gp_helpers.platform.seams import Gateway


def backend_application(
    services: BackendServices, gateway: Gateway, parts: Mapping[str, Part]
) -> Starlette:
    """The application of one backend instance; it owns its tasks, its store and its client.

    `parts` are brought up in the background once the port listens.
    """
    settings = services.settings
    service = f"backend/{settings.instance_id}"
    traffic = Traffic()

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        with service_log(service, settings.log_path):
            try:
                async with services.supervisor.running():
                    services.supervisor.start_soon("warm-up", warm_up, parts, services.readiness)
                    yield
            finally:
                await services.http.close()
                await services.store.close()

    async def live(_request: Request) -> Response:
        return health("live")

    async def ready(_request: Request) -> Response:
        if not services.readiness.ready.is_set():
            raise PlatformError("not_ready", retry_after=1)
        return health("ready", parts=services.readiness.state())

    async def ws_config(_request: Request) -> Response:
        return JSONResponse(gateway.config())

    def state() -> dict[str, Any]:
        from_gateway = gateway.state()
        return {
            **from_gateway,
            "service": "backend",
            "instance_id": settings.instance_id,
            "in_flight": traffic.in_flight + from_gateway["in_flight"],
            "http": traffic.state(),
            "readiness": services.readiness.state(),
            "tasks": services.supervisor.live(),
            "failed_tasks": services.supervisor.failed(),
            "auth_client": services.auth_client.state(),
            "runs": services.followers.state(),
        }

    def route_decisions(message: Mapping[str, Any]) -> dict[str, Any]:
        routers = services.agent_router.routers
        return {name: _decision(router, message) for name, router in routers.items()}

    diagnostics = Diagnostics(
        settings.diagnostics_secret,
        services.clock,
        state,
        route_decisions=route_decisions,
        factories=gateway.factories,
    )
    return Starlette(
        routes=[
            *RestEndpoints(services).routes(),
            Route("/health/live", live, methods=["GET"]),
            Route("/health/ready", ready, methods=["GET"]),
            Route("/ws/config", ws_config, methods=["GET"]),
            WebSocketRoute("/ws", gateway.endpoint),
            *PeerRoutes(gateway, settings).routes(),
            *diagnostics.routes(),
        ],
        middleware=[
            Middleware(AddressReader, address=services.address),
            Middleware(Edge, service=service, traffic=traffic),
        ],
        exception_handlers=EXCEPTION_HANDLERS,
        lifespan=lifespan,
    )


def _decision(router: MessageRouter, message: Mapping[str, Any]) -> dict[str, Any]:
    """What a router decides about a message as a client would send it, ids aside."""
    fields = {"type": ClientMessage.AGENT_REQUEST, "id": "?", "thread_id": "?", **message}
    try:
        incoming = Frame(fields).read()
        if not isinstance(incoming, Incoming):
            raise PlatformError("invalid_request", "Only agent requests are routed.")
        return {"agent": router.decide(incoming.request)}
    except PlatformError as error:
        return {"error": error.to_wire()}
