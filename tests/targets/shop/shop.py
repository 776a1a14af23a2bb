"""A small shop's chat on FastAPI, in one process and all in memory, which goes down in many ways.

``SHOP_WAY`` says how: at its start (``raises``, ``exits``, ``hangs``; each also ``…_again``: not
the first time, but when it is started once more), in its life (``asked``: it ends when somebody
asks; ``left``: when somebody leaves; ``dark``: it is the lamp beside it that ends), or not in time
when it is told to stop (``stays``).
"""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

from fastapi import Body, FastAPI, Header, HTTPException, WebSocket, WebSocketDisconnect

WAY = os.environ["SHOP_WAY"]
customers: dict[str, str] = {}
keys: dict[str, str] = {}


async def go_down(way: str) -> None:
    match way:
        case "raises":
            raise RuntimeError("the till is locked")
        case "exits":
            os._exit(7)
        case "hangs":
            await asyncio.Event().wait()


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    ran = Path(os.environ["SHOP_FOLDER"]) / "ran"
    await go_down(WAY.removesuffix("_again") if ran.exists() else WAY)
    ran.touch()
    yield
    if WAY == "stays":
        await asyncio.Event().wait()


app = FastAPI(lifespan=lifespan)
lamp = FastAPI()


@lamp.get("/shines")
def shines() -> dict[str, bool]:
    if WAY == "dark":
        os._exit(5)
    return {"shines": True}


@app.get("/open")
def is_open() -> dict[str, bool]:
    return {"open": True}


@app.post("/customers", status_code=201)
def join(mail: Annotated[str, Body()], word: Annotated[str, Body()]) -> None:
    customers[mail] = word


@app.post("/keys", status_code=201)
def enter(mail: Annotated[str, Body()], word: Annotated[str, Body()]) -> dict[str, str]:
    if customers.get(mail) != word:
        raise HTTPException(401)
    key = secrets.token_urlsafe(16)
    keys[key] = mail
    return {"key": key}


def customer_of(authorization: str) -> str:
    key = authorization.removeprefix("Bearer ")
    if key not in keys:
        raise HTTPException(401)
    return keys[key]


@app.get("/me")
def me(authorization: Annotated[str, Header()] = "") -> dict[str, str]:
    return {"mail": customer_of(authorization)}


@app.websocket("/counter")
async def counter(socket: WebSocket) -> None:
    if socket.headers.get("authorization", "").removeprefix("Bearer ") not in keys:
        await socket.close()
        return
    await socket.accept()
    await socket.send_json({"says": "hello"})
    try:
        while True:
            said: dict[str, Any] = await socket.receive_json()
            if WAY == "asked":
                os._exit(11)
            if said["says"] == "knock":
                await socket.send_json({"says": "come in", "to": said["to"]})
                continue
            answer = f"You ask: {said['words']} We have just what you need for that."
            await socket.send_json({"says": "answer", "to": said["to"], "words": answer})
    except WebSocketDisconnect:
        if WAY == "left":
            os._exit(13)
