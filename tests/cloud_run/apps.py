"""Applications that the tests host: of no platform, just enough to see what hosting does."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

logger = logging.getLogger(__name__)


def build(config: Mapping[str, Any]) -> Starlette:
    """An application that tells who it is, echoes, hangs, streams, and dies on request."""
    seen: dict[str, Any] = {"finished": 0, "ready": not config.get("ready_on_request")}

    async def who(request: Request) -> Response:
        return JSONResponse(
            {
                "instance_id": config.get("instance_id"),
                "config": dict(config),
                "pid": os.getpid(),
                "headers": [[name, value] for name, value in request.headers.items()],
                "environment": os.environ.get("GREETING"),
                "finished": seen["finished"],
            }
        )

    async def ready(_: Request) -> Response:
        return PlainTextResponse("", 200 if seen["ready"] else 503)

    async def become_ready(_: Request) -> Response:
        seen["ready"] = True
        return PlainTextResponse("")

    async def echo(request: Request) -> Response:
        return Response(await request.body())

    async def slow(request: Request) -> Response:
        await asyncio.sleep(float(request.query_params["s"]))
        seen["finished"] += 1
        return PlainTextResponse("done")

    async def stream(request: Request) -> Response:
        async def lines() -> AsyncIterator[str]:
            for number in range(int(request.query_params["n"])):
                yield f"{number}\n"
                await asyncio.sleep(0.02)

        return StreamingResponse(lines())

    async def die(_: Request) -> Response:
        os._exit(7)

    async def leave_the_group(_: Request) -> Response:
        child = subprocess.Popen(["sleep", "600"], process_group=0)  # noqa: ASYNC220
        os.setpgid(0, child.pid)
        return JSONResponse({"child": child.pid})

    async def log(request: Request) -> Response:
        logger.warning("seen", extra={"correlation_id": request.query_params["id"]})
        print("printed", flush=True)
        return PlainTextResponse("")

    async def websocket(socket: WebSocket) -> None:
        if "deny" in socket.query_params:
            await socket.send_denial_response(JSONResponse({"error": "denied"}, 401))
            return
        await socket.accept(headers=[(b"x-instance", str(config.get("instance_id")).encode())])
        async for text in socket.iter_text():
            await socket.send_text(text)

    async def tick() -> None:
        await asyncio.Event().wait()

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await asyncio.sleep(float(config.get("start_takes_s", 0)))
        ticking = asyncio.create_task(tick(), name="left-behind")
        seen["ticking"] = ticking
        yield
        logger.info("lifespan over")
        await asyncio.sleep(float(config.get("stop_takes_s", 0)))

    return Starlette(
        routes=[
            Route("/", who),
            Route("/ready", ready),
            Route("/become-ready", become_ready),
            Route("/echo", echo, methods=["POST"]),
            Route("/slow", slow),
            Route("/stream", stream),
            Route("/die", die),
            Route("/leave-the-group", leave_the_group),
            Route("/log", log),
            WebSocketRoute("/ws", websocket),
        ],
        lifespan=lifespan,
    )


def leaves(config: Mapping[str, Any]) -> Starlette:
    """An application that tells its process and environment, and leaves what it is told to."""

    async def who(_: Request) -> Response:
        return JSONResponse({"pid": os.getpid(), "greeting": os.environ.get("GREETING")})

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        match config.get("leaves"):
            case "a task":
                app.state.left = asyncio.create_task(asyncio.Event().wait())
            case "a thread":
                threading.Thread(target=threading.Event().wait, daemon=True).start()
            case "a descriptor":
                os.dup(0)
            case "a process":
                await asyncio.create_subprocess_exec("sleep", "60")

    return Starlette(routes=[Route("/", who)], lifespan=lifespan)


def fails_to_build(_: Mapping[str, Any]) -> Starlette:
    raise RuntimeError("the configuration makes no sense")


def fails_in_lifespan(_: Mapping[str, Any]) -> Starlette:
    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        raise RuntimeError("the store cannot be reached")
        yield

    return Starlette(lifespan=lifespan)


def exits(_: Mapping[str, Any]) -> Starlette:
    print("about to exit")
    sys.exit(3)


async def bare(scope: dict[str, Any], _receive: Any, send: Any) -> None:
    """A bare ASGI application that knows no lifespan, as somebody's own may be."""
    if scope["type"] != "http":
        raise AssertionError("only http")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"bare"})


class FirstById:
    """A placement that always takes the first instance with room."""

    def choose(self, _request: Any, candidates: Any) -> Any:
        return min(candidates, key=lambda one: one.id)
