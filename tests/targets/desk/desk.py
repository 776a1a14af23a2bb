"""The help desk itself: members talk to it over a socket, in its own words.

``DESK_VARIANT`` chooses how it is put together: ``right``; ``shared``: the member who is
connecting is kept in a place that all connections share, across an awaited hop; ``hasty``: whatever
the account service answers but 200 is taken for a bad key; ``eager``: it says that it is up before
it is; ``careless``: it says nothing while it has nothing to say, and work ends with the connection
on which it was asked for; ``memory``: what an instance knows, it alone knows; ``marked``: a
question that was taken stays taken; ``brittle``: what an instance that was killed leaves behind
keeps the next one from starting.
"""

import asyncio
import os
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Annotated, Any

import httpx
from fastapi import FastAPI, Header, HTTPException, WebSocket, WebSocketDisconnect
from journal import MarkedJournal, OwnJournal, SharedJournal

PATIENCE_S = 5.0
THINKING_S, THOUGHTS = 0.8, 4
"""How long a thought may take, and how often one is asked for."""
TICK_S = 0.01
GRACE_S = 0.15
"""How long a new line waits for its member to say what they know already."""
VARIANT = os.environ.get("DESK_VARIANT", "right")
LIFE_S = float(os.environ.get("DESK_LIFE_S", "60"))

journal: SharedJournal | OwnJournal
match VARIANT:
    case "memory":
        journal = OwnJournal()
    case "marked":
        journal = MarkedJournal(Path(os.environ["DESK_NOTES"]))
    case _:
        journal = SharedJournal(Path(os.environ["DESK_NOTES"]))
connecting: dict[str, WebSocket] = {}
"""Where the variant ``shared`` keeps who is connecting."""
left: set[str] = set()
"""Keys of those who have left, in the variant ``memory``."""
works: set[asyncio.Task[None]] = set()
opened = asyncio.Event()


@asynccontextmanager
async def lifespan(app: FastAPI) -> Any:
    mark = Path(os.environ["DESK_NOTES"]) / "running"
    if VARIANT == "brittle":
        mark.touch(exist_ok=False)
    async with (
        httpx.AsyncClient(
            base_url=os.environ["DESK_ACCOUNTS"], trust_env=False, verify=False
        ) as accounts,
        httpx.AsyncClient(
            base_url=os.environ["DESK_THINKER"], trust_env=False, verify=False
        ) as thinker,
    ):
        app.state.accounts, app.state.thinker = accounts, thinker
        opening = asyncio.create_task(open_the_desk())
        if VARIANT != "eager":
            await opening
        yield
        opening.cancel()
    mark.unlink(missing_ok=True)


async def open_the_desk() -> None:
    (await app.state.accounts.get("/up", timeout=PATIENCE_S)).raise_for_status()
    opened.set()


app = FastAPI(lifespan=lifespan)


async def reference_of(key: str) -> str | None:
    if key in left:
        return None
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


@app.get("/notes")
async def read_notes(authorization: Annotated[str, Header()] = "") -> dict[str, Any]:
    member = await reference_of(authorization.removeprefix("Desk "))
    if member is None:
        raise HTTPException(401)
    who = {"asked": "member", "settled": "desk"}
    return {
        "of": member,
        "notes": [
            {"who": who[line["op"]], "re": line["re"], "words": line["words"]}
            for line in journal.lines(member)
            if line["op"] in who
        ],
    }


@app.delete("/leave", status_code=204)
async def leave(authorization: Annotated[str, Header()] = "") -> None:
    if VARIANT == "memory":
        left.add(authorization.removeprefix("Desk "))
        return
    headers = {"Authorization": authorization}
    await app.state.accounts.delete("/sessions/mine", headers=headers, timeout=PATIENCE_S)


async def think(words: str) -> str | None:
    for _ in range(THOUGHTS):
        with suppress(httpx.HTTPError):
            answer = await app.state.thinker.post(
                "/thoughts", json={"words": words}, timeout=THINKING_S
            )
            if answer.status_code == 200:
                return str(answer.json()["thought"])
    return None


async def work(member: str, reference: str, words: str) -> None:
    """Work on a question from where somebody left it; what is done is not done again."""
    with journal.working_on(reference) as is_mine:
        if not is_mine:
            return
        done = {line["op"] for line in journal.lines(member) if line["re"] == reference}
        if "settled" in done:
            return
        if "asked" not in done:
            journal.add(member, {"op": "asked", "re": reference, "words": words})
        for op in ("taken", "pondering", "looking"):
            if op not in done:
                journal.add(member, {"op": op, "re": reference})
        thought = await think(words)
        if thought is None:
            journal.add(member, {"op": "sorry", "re": reference})
            return
        if "looked" not in done:
            journal.add(member, {"op": "looked", "re": reference})
        journal.add(member, {"op": "settled", "re": reference, "words": thought})


class Talk:
    """One line to a member: what is in the journal goes down it, from where they know it."""

    def __init__(self, member: str, socket: WebSocket, told_on: WebSocket) -> None:
        self.member, self.socket, self.told_on = member, socket, told_on
        self.known = len(journal.lines(member))
        self.begun = asyncio.Event()
        self.works: set[asyncio.Task[None]] = set()

    async def follow(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self.begun.wait(), GRACE_S)
        while True:
            for line in journal.lines(self.member)[self.known :]:
                self.known += 1
                if line["op"] != "asked":
                    await self.told_on.send_json(line)
            await asyncio.sleep(TICK_S)

    async def live(self) -> None:
        """Beat, and end in time: what stands in front has an end of its own."""
        for _ in range(10):
            await asyncio.sleep(LIFE_S / 10)
            if VARIANT != "careless":
                await self.socket.send_json({"op": "beat"})
        await self.socket.close(1012)

    async def listen(self) -> None:
        while True:
            match await self.socket.receive_json():
                case {"op": "say", "re": reference, "words": words}:
                    self.begun.set()
                    task = asyncio.create_task(work(self.member, reference, words))
                    for owner in (works, self.works):
                        owner.add(task)
                        task.add_done_callback(owner.discard)
                case {"op": "hello", "no": number}:
                    await self.socket.send_json({"op": "hello yourself", "no": number})
                case {"op": "since", "no": number}:
                    self.known = int(number or 0)
                    self.begun.set()
                case _:
                    await self.socket.send_json({"op": "what?"})


@app.websocket("/talk")
async def talk(socket: WebSocket, key: str = "") -> None:
    if not opened.is_set():
        await socket.accept()
        with suppress(WebSocketDisconnect):
            while True:
                await socket.receive_text()
        return
    connecting["socket"] = socket
    member = await reference_of(key)
    if member is None:
        await socket.close()
        return
    await socket.accept()
    line = Talk(member, socket, connecting["socket"] if VARIANT == "shared" else socket)
    await socket.send_json({"op": "welcome", "you": member, "lives": LIFE_S})
    parts = [asyncio.create_task(part) for part in (line.follow(), line.live(), line.listen())]
    await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
    for part in (*parts, *(line.works if VARIANT == "careless" else ())):
        part.cancel()
    await asyncio.gather(*parts, return_exceptions=True)
