"""A small honest platform on raw sockets, in which any one stage can be taken over by a behaviour.

Nothing here uses a HTTP or WebSocket library: a library would not let us misbehave. Each behaviour
has a base path of its own on one server, so that many can be visited at once.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import itertools
import json
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

EVENTS = (
    "agent_started",
    "agent_thinking",
    "tool_executing",
    "tool_completed",
    "agent_completed",
)
JSON, SOCKETIO = "json", "socketio"
"""What the socket speaks."""
TEXT, BINARY, CLOSE, PING = 0x1, 0x2, 0x8, 0x9
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Stage(Enum):
    """Where a behaviour takes over."""

    LOGIN = "login"
    VALIDATE = "validate"
    HANDSHAKE = "handshake"
    CONNECT = "connect"
    """In place of the namespace's connection, over Socket.IO."""
    GREETING = "greeting"
    """In place of the first message on an open socket."""
    ANSWER = "answer"
    """In place of the five events."""


class Gone(Exception):
    """The client has left."""


@dataclass
class Visit:
    """One request on a raw connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    async def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        try:
            self.writer.write(data)
            await self.writer.drain()
        except (ConnectionError, RuntimeError) as error:
            raise Gone from error

    async def answer(
        self, body: Any = b"", status: str = "200 OK", content_type: str = "application/json",
        more: str = "",
    ) -> None:  # fmt: skip
        """A well-formed response; a body that is no bytes is sent as JSON."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        await self.send(
            f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\n{more}"
            f"Content-Length: {len(content)}\r\n\r\n".encode("latin-1")
            + content
        )

    async def drip(self, data: bytes) -> None:
        """One byte a second, until the client leaves."""
        for byte in data:
            await self.send(bytes([byte]))
            await self.pause(1.0)

    async def pause(self, seconds: float) -> None:
        """Nothing for so long; raises `Gone` if the client leaves."""
        try:
            async with asyncio.timeout(seconds):
                await self.until_gone()
        except TimeoutError:
            return

    async def until_gone(self) -> None:
        """Say nothing until the client leaves."""
        with suppress(ConnectionError):
            while await self.reader.read(65536):
                pass
        raise Gone


@dataclass
class Socket(Visit):
    """A request that has become a WebSocket."""

    user: str = ""
    canary: str = ""
    """The word of the user's own that an honest answer says."""

    async def frame(
        self, payload: bytes, opcode: int = TEXT, *, first: int = 0x80, masked: bool = False
    ) -> None:
        """One frame; ``first`` holds FIN and the reserved bits."""
        await self.send(frame(payload, opcode, first=first, masked=masked))

    async def say(self, message: Any) -> None:
        """One JSON message."""
        await self.frame(json.dumps(message).encode())

    async def close(self, code: int = 1000) -> None:
        """A close frame, and the end of the connection."""
        await self.frame(struct.pack("!H", code), CLOSE)
        self.writer.close()

    async def next_message(self) -> dict[str, Any]:
        """The next JSON message of the client; raises `Gone` when it closes."""
        found: dict[str, Any] = json.loads(await self.next_text())
        return found

    async def next_text(self) -> str:
        """The next text of the client; raises `Gone` when it closes."""
        while True:
            opcode, payload = await self._next_frame()
            if opcode == CLOSE:
                with suppress(Gone):
                    await self.frame(payload, CLOSE)
                raise Gone
            if opcode == TEXT:
                return payload.decode()

    async def _next_frame(self) -> tuple[int, bytes]:
        try:
            first, second = await self.reader.readexactly(2)
            length = second & 0x7F
            if length == 126:
                (length,) = struct.unpack("!H", await self.reader.readexactly(2))
            elif length == 127:
                (length,) = struct.unpack("!Q", await self.reader.readexactly(8))
            mask = await self.reader.readexactly(4)
            data = await self.reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise Gone from error
        return first & 0x0F, bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))

    def event(self, name: str, request: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        """An event as an honest platform sends it."""
        return {
            "type": name,
            "request_id": request["id"],
            "user_id": self.user,
            "data": {"result": f"About {request['message']!r}: look at storage, {self.canary}."},
            **more,
        }

    async def five_events(self, request: Mapping[str, Any]) -> None:
        """The honest answer."""
        for name in EVENTS:
            await self.say(self.event(name, request))


Act = Callable[..., Awaitable[None]]


@dataclass(frozen=True)
class Behaviour:
    """One way to misbehave, as data."""

    name: str
    stage: Stage
    act: Act
    """Called with the `Visit`, or with the `Socket`; at `Stage.ANSWER` with the request too."""
    case: str = "websocket.event_manager_init"
    """The case that meets it."""
    is_heavy: bool = False
    """It offers more than anybody should keep in memory."""
    transport: str = JSON


def frame(payload: bytes, opcode: int = TEXT, *, first: int = 0x80, masked: bool = False) -> bytes:
    """The bytes of one frame from a server, right or wrong."""
    head = bytes([first | opcode])
    bit = 0x80 if masked else 0
    if len(payload) < 126:
        head += bytes([bit | len(payload)])
    elif len(payload) < 65536:
        head += bytes([bit | 126]) + struct.pack("!H", len(payload))
    else:
        head += bytes([bit | 127]) + struct.pack("!Q", len(payload))
    return head + (b"\0\0\0\0" if masked else b"") + payload


def switching(visit: Visit, *, without: str = "", more: str = "", accept: str = "") -> bytes:
    """The response that opens a WebSocket, right or wrong."""
    key = visit.headers.get("sec-websocket-key", "").encode()
    proof = accept or base64.b64encode(hashlib.sha1(key + _GUID).digest()).decode()
    lines = ["Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Accept: {proof}"]
    kept = "".join(f"{line}\r\n" for line in lines if not without or not line.startswith(without))
    return f"HTTP/1.1 101 Switching Protocols\r\n{kept}{more}\r\n".encode("latin-1")


@dataclass
class HostileServer:
    """Serves an honest platform under ``/NAME/…``, but for what the behaviour NAME takes over."""

    behaviours: Mapping[str, Behaviour]
    port: int = 0
    failures: list[str] = field(default_factory=list)
    """What broke in the server itself: its tests say nothing then."""
    _tokens: dict[str, str] = field(default_factory=dict)
    _canaries: dict[str, str] = field(default_factory=dict)
    """By e-mail address, then by user id."""
    _ids: Any = field(default_factory=lambda: itertools.count(1))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, request after request."""
        try:
            while (visit := await self._next(reader, writer)) is not None:
                await self._answer(visit)
        except (Gone, ConnectionError, asyncio.IncompleteReadError):
            pass
        except Exception as error:
            self.failures.append(f"{type(error).__name__}: {error}")
        finally:
            writer.close()

    async def _next(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> Visit | None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return None
        first, *lines = head.decode("latin-1").split("\r\n")
        method, path, _ = first.split(" ", 2)
        pairs = (line.split(":", 1) for line in lines if line)
        headers = {name.lower(): value.strip() for name, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        return Visit(reader, writer, method, path, headers, body)

    async def _answer(self, visit: Visit) -> None:
        _, name, *rest = visit.path.split("/")
        behaviour = self.behaviours.get(name)
        match "/".join(rest):
            case "auth/login" if behaviour and behaviour.stage is Stage.LOGIN:
                await behaviour.act(visit)
            case "auth/login":
                await self._log_in(visit)
            case "auth/register":
                asked = json.loads(visit.body)
                self._canaries[asked["email"]] = asked["canary"]
                await visit.answer({"ok": True}, "201 Created")
            case "auth/validate" if behaviour and behaviour.stage is Stage.VALIDATE:
                await behaviour.act(visit)
            case "auth/validate":
                user = self._tokens.get(str(json.loads(visit.body).get("token")))
                await visit.answer({"valid": user is not None, "user_id": user})
            case "threads":
                await visit.answer({"id": f"thread-{next(self._ids)}"}, "201 Created")
            case "health":
                await visit.answer({"status": "ready"})
            case "ws" if behaviour and behaviour.stage is Stage.HANDSHAKE:
                await behaviour.act(visit)
                raise Gone
            case "ws":
                await self._open(visit, behaviour)
            case path if path.startswith("socket.io/"):
                from tests.hostile.engine import open_engine

                await open_engine(self, visit, behaviour)
            case _:
                await visit.answer({"error": visit.path}, "404 Not Found")

    async def _log_in(self, visit: Visit) -> None:
        number = next(self._ids)
        token, user = f"token-{number:08d}-of-a-hostile-server", f"user-{number}"
        self._tokens[token] = user
        self._canaries[user] = self._canaries[json.loads(visit.body)["email"]]
        await visit.answer({"access_token": token, "expires_in": 300, "user": {"id": user}})

    def user_of(self, token: str) -> str | None:
        """Whose token it is."""
        return self._tokens.get(token)

    def canary_of(self, user: str) -> str:
        """The user's own word."""
        return self._canaries[user]

    async def _open(self, visit: Visit, behaviour: Behaviour | None) -> None:
        token = visit.headers.get("authorization", "").removeprefix("Bearer ")
        user = self._tokens.get(token)
        if user is None:
            await visit.answer({"error": "token"}, "401 Unauthorized")
            return
        await visit.send(switching(visit))
        socket = Socket(**vars(visit), user=user, canary=self._canaries[user])
        if behaviour and behaviour.stage is Stage.GREETING:
            await behaviour.act(socket)
        else:
            await socket.say({"type": "connection_established", "data": {"user_id": user}})
        while True:
            request = await socket.next_message()
            if behaviour and behaviour.stage is Stage.ANSWER:
                await behaviour.act(socket, request)
            else:
                await socket.five_events(request)


@asynccontextmanager
async def serving(behaviours: Mapping[str, Behaviour]) -> AsyncIterator[HostileServer]:
    """The server on loopback, and every connection of it, for as long as the context is open."""
    hostile = HostileServer(behaviours)
    tasks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(hostile.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    hostile.port = server.sockets[0].getsockname()[1]
    try:
        yield hostile
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
