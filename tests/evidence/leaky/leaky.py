"""An application that tells everything it knows: in replies, headers, messages, and on its output.

``LEAKY_MODE`` says what it does when it is asked something over the socket: ``answers`` wrongly,
``dies``, or ``waits``; the one that ``keeps`` dies before it answers a login. What it issued is
appended to the file ``LEAKY_ISSUED``.
"""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

MODE = os.environ["LEAKY_MODE"]
KEY = os.environ["LEAKY_API_KEY"]
ISSUED = Path(os.environ["LEAKY_ISSUED"])
members: dict[str, str] = {}
"""Token to handle."""


def tell(*what: object) -> None:
    print("told:", *what, flush=True)
    print("and again:", *what, file=sys.stderr, flush=True)


def note(secret: str) -> str:
    with ISSUED.open("a") as file:
        file.write(secret + "\n")
    return secret


def issue(kind: str) -> str:
    return note(f"{kind}~{os.urandom(12).hex()}")


async def register(request: Request) -> Response:
    form = dict(await request.form())
    note(str(form["phrase"]))
    tell(form, dict(request.headers), dict(os.environ))
    return JSONResponse({"ref": form["handle"], "form": form}, 201)


async def begin(request: Request) -> Response:
    form = dict(await request.form())
    key, cookie = issue("opaque"), issue("session-cookie")
    members[key] = str(form["handle"])
    tell(key, cookie, form)
    if MODE == "keeps":
        os._exit(3)
    response = JSONResponse(
        {"session": {"key": key}, "member": {"ref": form["handle"]}, "echo": f"{form} gave {key}"}
    )
    response.set_cookie("sid", cookie)
    return response


async def mine(request: Request) -> Response:
    shown = request.headers.get("authorization", "").removeprefix("Bearer ")
    tell(shown, request.url, dict(request.cookies))
    if shown not in members:
        raise RuntimeError(f"no member has the key {shown!r}, asked with {request.url} and {KEY}")
    return JSONResponse({"of": members[shown], "echo": f"{dict(request.headers)} {request.url}"})


async def talk(socket: WebSocket) -> None:
    key = socket.query_params["key"]
    tell(socket.url, key)
    await socket.accept()
    await socket.send_json({"op": "welcome", "you": members[key], "with": f"{key} {KEY}"})
    try:
        while True:
            said: dict[str, Any] = await socket.receive_json()
            tell(said, key)
            await socket.send_text(f"this is no JSON, but it has {key} and {KEY}")
            if MODE == "dies":
                sys.stderr.write(f"dying with {key} and {KEY}\n")
                os._exit(3)
            if MODE == "waits":
                ISSUED.with_suffix(".asked").touch()
                await asyncio.Event().wait()
            await socket.send_json({"op": "settled", "re": said["re"], "words": f"{key} {KEY}"})
            await socket.close(1011, f"{key}")
            return
    except WebSocketDisconnect:
        return


app = Starlette(
    routes=[
        Route("/up", lambda _: JSONResponse({"key": KEY})),
        Route("/members", register, methods=["POST"]),
        Route("/sessions", begin, methods=["POST"]),
        Route("/mine", mine),
        WebSocketRoute("/talk", talk),
    ]
)
