"""The help desk itself: members talk to it over a socket, in its own words.

``DESK_VARIANT`` chooses how it is put together: ``right``; ``shared``: the member who is
connecting is kept in a place that all connections share, across an awaited hop; ``hasty``: whatever
the account service answers but 200 is taken for a bad key.
"""

import asyncio
import json
import os
from collections import defaultdict
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import httpx
from fastapi import FastAPI, Header, HTTPException, WebSocket, WebSocketDisconnect

PATIENCE_S = 5.0
ACCOUNTS = os.environ.get("DESK_ACCOUNTS", "")
VARIANT = os.environ.get("DESK_VARIANT", "right")


@asynccontextmanager
async def lifespan(app: FastAPI) -> Any:
    async with httpx.AsyncClient(base_url=ACCOUNTS, trust_env=False) as client:
        app.state.accounts = client
        yield


app = FastAPI(lifespan=lifespan)
connecting: dict[str, Any] = {}
"""Where the variant ``shared`` keeps who is connecting."""
lines: dict[str, WebSocket] = {}
"""Member to the socket on which they are reached."""
told: dict[str, list[dict[str, Any]]] = defaultdict(list)
"""Member to everything that they were told, numbered from one."""
works: set[asyncio.Task[None]] = set()


async def reference_of(key: str) -> str | None:
    try:
        answer = await app.state.accounts.get(
            "/sessions/mine", headers={"Authorization": f"Desk {key}"}, timeout=PATIENCE_S
        )
    except httpx.HTTPError as error:
        raise HTTPException(503, headers={"Retry-After": "0"}) from error
    if answer.status_code >= 500 and VARIANT != "hasty":
        raise HTTPException(503, headers={"Retry-After": "0"})
    return answer.json()["ref"] if answer.status_code == 200 else None


@app.get("/up")
async def up() -> dict[str, bool]:
    return {"up": True}


def notes_of(member: str) -> Path:
    return Path(os.environ["DESK_NOTES"]) / f"{member}.jsonl"


def note(member: str, who: str, words: str) -> None:
    with notes_of(member).open("a") as file:
        file.write(json.dumps({"who": who, "words": words}) + "\n")


@app.get("/notes")
async def read_notes(authorization: Annotated[str, Header()] = "") -> dict[str, Any]:
    reference = await reference_of(authorization.removeprefix("Desk "))
    if reference is None:
        raise HTTPException(401)
    lines_of_notes = (
        notes_of(reference).read_text().splitlines() if notes_of(reference).exists() else []
    )
    return {"of": reference, "notes": [json.loads(line) for line in lines_of_notes]}


async def tell(member: str, message: dict[str, Any]) -> None:
    """Tell a member something, wherever they are connected now; it is kept for later."""
    numbered = {**message, "for": member, "no": len(told[member]) + 1}
    told[member].append(numbered)
    line = lines.get(member)
    if line is not None:
        try:
            await line.send_json(numbered)
        except (RuntimeError, WebSocketDisconnect):
            return


async def work(member: str, reference: str, words: str) -> None:
    note(member, "member", words)
    for op in ("taken", "pondering", "looking", "looked"):
        await tell(member, {"op": op, "re": reference})
        await asyncio.sleep(0.01)
    answer = f"About your words, {words!r}: the desk has looked into it and suggests to wait."
    note(member, "desk", answer)
    await tell(member, {"op": "settled", "re": reference, "words": answer})


@app.websocket("/talk")
async def talk(socket: WebSocket, key: str = "") -> None:
    connecting["socket"] = socket
    member = await reference_of(key)
    if member is None:
        await socket.close()
        return
    await socket.accept()
    lines[member] = connecting["socket"] if VARIANT == "shared" else socket
    await socket.send_json({"op": "welcome", "you": member})
    try:
        while True:
            said = await socket.receive_json()
            match said:
                case {"op": "say", "re": reference, "words": words}:
                    task = asyncio.create_task(work(member, reference, words))
                    works.add(task)
                    task.add_done_callback(works.discard)
                case {"op": "hello", "no": number}:
                    await socket.send_json({"op": "hello yourself", "no": number})
                case {"op": "since", "no": number}:
                    for message in told[member][int(number or 0) :]:
                        await socket.send_json(message)
                case _:
                    await socket.send_json({"op": "what?"})
    except WebSocketDisconnect:
        if lines.get(member) is socket:
            del lines[member]
