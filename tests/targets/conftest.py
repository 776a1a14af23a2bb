"""What the tests of targets share: a small chat platform of a shape of its own, on loopback."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from gp_helpers.history import Kind, Recorder, Redactor
from gp_helpers.parameters import DeploymentTarget, validate
from gp_helpers.probes import Client, Guest, HttpProbe, Supervisor, new_client
from gp_helpers.targets import Arrangement, RunningTarget, open_target
from gp_helpers.targets.tls import verification

NOTHING_SPECIAL = Arrangement()
TOKEN = "kettle-7f3a9c1b5d"
PASSWORD = "a-long-passphrase"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass
class SmallPlatform:
    """Takes every kind of log-in and every way to present a token; remembers what it saw."""

    logins: list[dict[str, str]] = field(default_factory=list)
    presented: list[str] = field(default_factory=list)
    """How tokens came to the socket."""
    cookies_seen: list[str] = field(default_factory=list)
    requests: int = 0
    at_once: int = 0
    most_at_once: int = 0
    too_many: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0
    elsewhere: str = "http://127.0.0.2:9"

    def application(self) -> Starlette:
        async def counted(request: Request, answer: Any) -> Response:
            self.requests += 1
            response: Response = await answer(request)
            return response

        return Starlette(
            middleware=[Middleware(BaseHTTPMiddleware, dispatch=counted)],
            routes=[
                Route("/login/json", self.log_in_by_json, methods=["POST"]),
                Route("/login/form", self.log_in_by_form, methods=["POST"]),
                Route("/login/cookie", self.log_in_by_cookie, methods=["POST"]),
                Route("/oauth/token", self.client_credentials, methods=["POST"]),
                Route("/me", self.who_am_i),
                Route("/slow", self.who_am_i_after_a_while),
                Route("/handed-out", self.hand_out),
                Route("/elsewhere", self.redirect),
                WebSocketRoute("/socket", self.talk),
                WebSocketRoute("/moved", self.redirect_socket),
            ],
        )

    def _token(self, user: str, password: str, **more: Any) -> Response:
        self.logins.append({"user": user, "password": password})
        if password != PASSWORD:
            return JSONResponse({"error": "no"}, 401)
        return JSONResponse({"access_token": TOKEN, "user": {"id": user}, **more})

    async def log_in_by_json(self, request: Request) -> Response:
        body = await request.json()
        return self._token(body["who"], body["word"])

    async def log_in_by_form(self, request: Request) -> Response:
        form = await request.form()
        return self._token(str(form["who"]), str(form["word"]))

    async def log_in_by_cookie(self, request: Request) -> Response:
        form = await request.form()
        response = self._token(str(form["who"]), str(form["word"]))
        response.set_cookie("session", TOKEN, httponly=True)
        response.set_cookie("other", "nothing; with=strange, signs")
        return response

    async def client_credentials(self, request: Request) -> Response:
        form = dict(await request.form())
        if form.get("grant_type") != "client_credentials":
            return JSONResponse({"error": "unsupported_grant_type"}, 400)
        scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
        if scheme == "Basic":
            user, _, password = base64.b64decode(encoded).decode().partition(":")
        else:
            user, password = str(form["client_id"]), str(form["client_secret"])
        return self._token(user, password)

    async def who_am_i(self, request: Request) -> Response:
        self.cookies_seen += list(request.cookies)
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return JSONResponse({}, 401)
        return JSONResponse({"id": "ada"})

    async def who_am_i_after_a_while(self, request: Request) -> Response:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        if self.at_once > 2:
            self.too_many.set()
        with suppress(TimeoutError):
            await asyncio.wait_for(self.too_many.wait(), 0.05)
        self.at_once -= 1
        return await self.who_am_i(request)

    async def hand_out(self, _: Request) -> Response:
        return JSONResponse({"id": self.elsewhere})

    async def redirect(self, _: Request) -> Response:
        return RedirectResponse(f"{self.elsewhere}/stolen")

    async def redirect_socket(self, socket_: WebSocket) -> None:
        await socket_.send_denial_response(RedirectResponse(f"{self.elsewhere}/stolen"))

    async def talk(self, socket_: WebSocket) -> None:
        how = self._how(socket_)
        await socket_.accept(
            subprotocol="chat" if "chat" in socket_.scope["subprotocols"] else None
        )
        try:
            if how is None:
                first = json.loads(await socket_.receive_text())
                how = "first_message" if first.get("key") == TOKEN else None
            if how is None:
                await socket_.close(1008)
                return
            self.presented.append(how)
            await socket_.send_json({"kind": "hi"})
            while True:
                said = await socket_.receive_json()
                await self.answer(socket_, said)
        except WebSocketDisconnect:
            return

    def _how(self, socket_: WebSocket) -> str | None:
        if socket_.headers.get("authorization") == f"Bearer {TOKEN}":
            return "header"
        if socket_.query_params.get("key") == TOKEN:
            return "query"
        if socket_.cookies.get("session") == TOKEN:
            return "cookie"
        if any(name == f"bearer.{TOKEN}" for name in socket_.scope["subprotocols"]):
            return "subprotocol"
        return None

    async def answer(self, socket_: WebSocket, said: dict[str, Any]) -> None:
        """Streams its answer; the first message is two events, two messages are the last event."""
        number = said["n"]
        await socket_.send_json({"kind": "begun", "n": number, "thinking": True})
        for part in ("About ", repr(said["words"]), ": the kettle is on."):
            await socket_.send_json({"kind": "piece", "n": number, "piece": part})
        await socket_.send_json({"kind": "aside", "note": "nobody asked for this"})
        await socket_.send_json({"kind": "text ends", "n": number})
        await socket_.send_json({"kind": "bill ends", "n": number})


class _Server(uvicorn.Server):
    """Leaves signals alone, and says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listens.set()


@asynccontextmanager
async def serving(application: Any, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Serve an ASGI application on loopback; the port."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    config = uvicorn.Config(application, log_config=None, lifespan="off", ws="websockets-sansio")
    if tls is not None:
        config.load()
        config.ssl = tls
    server = _Server(config)
    serving_ = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        await asyncio.wait_for(server.listens.wait(), 10)
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        await serving_
        listening.close()


@pytest.fixture
async def platform() -> AsyncIterator[SmallPlatform]:
    small = SmallPlatform()
    async with serving(small.application()) as port:
        small.port = port
        yield small


def described(port: int, **changes: Any) -> dict[str, Any]:
    """A deployment of the small platform, as a parameter file states it."""
    http = f"http://127.0.0.1:{port}"
    target: dict[str, Any] = {
        "kind": "deployment",
        "name": "small",
        "auth": {
            "login": {
                "method": "POST",
                "url": f"{http}/login/json",
                "json": {"who": "{user.email}", "word": "{user.password}"},
            },
            "token": {"body": "access_token"},
            "user_id": "body.user.id",
            "validators": {"me": {"url": f"{http}/me", "bearer": "{token}", "identity": "body.id"}},
        },
        "accounts": {"inline": json.dumps([{"email": "ada", "password": PASSWORD}])},
        "websocket": {
            "url": f"ws://127.0.0.1:{port}/socket",
            "ready": "kind == 'hi'",
            "request": {"n": "{request_id}", "words": "{text}"},
            "request_ids": "number",
            "correlate": "n == `{request_id}`",
            "events": {
                "agent_started": "kind == 'begun'",
                "agent_thinking": "thinking",
                "tool_executing": {"when": "kind == 'piece'", "repeats": True},
                "agent_completed": {"all_of": ["kind == 'text ends'", "kind == 'bill ends'"]},
            },
            "answer_chunk": "piece",
        },
        "silence_after_s": 0.1,
        "limits": {"requests": 50, "connections": 20, "seconds": 60},
    }
    return {**target, **changes}


@dataclass
class Opened:
    """A target with a client on it."""

    target: RunningTarget
    client: Client
    recorder: Recorder
    guest: Guest

    def kinds(self, *kinds: Kind) -> list[dict[str, Any]]:
        return [dict(entry.data) for entry in self.recorder.history.of(*kinds)]


@asynccontextmanager
async def opened(
    stated: dict[str, Any],
    ledger: Path | None = None,
    *,
    arrangement: Arrangement = NOTHING_SPECIAL,
) -> AsyncIterator[Opened]:
    """Open a target as a trial does, and a client on it."""
    parameters = validate({"target": stated}, source="test")
    assert isinstance(parameters.target, DeploymentTarget)
    async with (
        new_client(verify=verification(parameters.target)) as http,
        open_target(
            parameters.target,
            defects=frozenset(),
            arrangement=arrangement,
            folder=Path("unused"),
        ) as target,
        Supervisor("test") as supervisor,
    ):
        with Recorder(None, Redactor(pseudonymise=True)) as recorder:
            guest = Guest(target.limits, ledger)
            probe = HttpProbe(recorder, http, guest)
            client = Client(target, recorder, probe, guest, supervisor)
            try:
                yield Opened(target, client, recorder, guest)
            finally:
                await client.leave()
