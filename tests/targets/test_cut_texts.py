"""What is no message is recorded in part: its secrets are taken out while they are still whole."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx
import jwt
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from gp_helpers.history import Kind
from gp_helpers.probes import bodies, socket
from gp_helpers.probes.bodies import decoded_body
from tests.targets.conftest import PASSWORD, TOKEN, Opened, described, opened, serving
from tests.targets.people import somebody

pytestmark = pytest.mark.anyio

UNKNOWN = jwt.encode({"sub": "somebody", "jti": "c1"}, "k" * 32, algorithm="HS256")
LONGEST = 200_000


def across(most: int, secret: str, *, lost: int = 1) -> str:
    """A text in which all but the last characters of a secret stand before this place."""
    return "." * (most - len(secret) + lost - 1) + " " + secret + " and more" * 20


class Wordy:
    """Says secrets where what it says is cut."""

    def __init__(self, frame: str | bytes, *, refuses: bool = False) -> None:
        self.frame = frame
        self.refuses = refuses

    async def log_in(self, _: Request) -> Response:
        return JSONResponse({"access_token": TOKEN, "user": {"id": "ada"}})

    async def who_am_i(self, _: Request) -> Response:
        return PlainTextResponse(across(bodies.MOST_SHOWN, TOKEN))

    async def talk(self, socket_: WebSocket) -> None:
        if self.refuses:
            text = self.frame if isinstance(self.frame, str) else self.frame.decode()
            await socket_.send_denial_response(PlainTextResponse(text, 403))
            return
        await socket_.accept()
        if isinstance(self.frame, str):
            await socket_.send_text(self.frame)
        else:
            await socket_.send_bytes(self.frame)
        await socket_.close()

    def application(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/login/json", self.log_in, methods=["POST"]),
                Route("/me", self.who_am_i),
                WebSocketRoute("/socket", self.talk),
            ]
        )


def recorded(lab: Opened) -> str:
    return "\n".join(
        json.dumps(dict(entry.data), ensure_ascii=False) for entry in lab.recorder.history.entries
    )


async def visited(platform: Wordy) -> tuple[str, list[dict[str, Any]]]:
    async with serving(platform.application()) as port, opened(described(port)) as lab:
        person = somebody()
        await lab.client.register(person)
        await lab.client.log_in(person)
        await lab.client.present(person, "me", person.access_token)
        opened_, _ = await lab.client.connect(person)
        if opened_ is not None:
            await opened_.wait_until(lambda: opened_.closed is not None, timeout_s=5, awaited="end")
        return recorded(lab), lab.kinds(Kind.WS_RECEIVED, Kind.WS_REFUSED)


@pytest.mark.parametrize("secret", [TOKEN, PASSWORD, UNKNOWN])
@pytest.mark.parametrize("refuses", [False, True])
async def test_a_secret_across_the_cut_leaves_nothing(secret: str, refuses: bool) -> None:
    said = across(socket.MOST_SHOWN, secret)
    text, [entry] = await visited(Wordy(said, refuses=refuses))
    shown = entry["body"] if refuses else entry["raw"]
    assert shown.startswith("....")
    assert len(shown) <= socket.MOST_SHOWN
    for one in (secret, TOKEN, PASSWORD):
        assert one[:-1] not in text


async def test_a_body_is_cut_after_its_secrets_are_gone() -> None:
    text, _ = await visited(Wordy("x"))
    assert f"{'.' * 1000}" in text
    assert TOKEN[:-1] not in text


@pytest.mark.parametrize("secret", [TOKEN, PASSWORD, UNKNOWN])
async def test_of_a_binary_frame_with_a_secret_only_its_length_is_recorded(secret: str) -> None:
    said = b"\x00\xff" + secret.encode() + b"\x00" * 9000
    text, [entry] = await visited(Wordy(said))
    assert entry["raw"] == f"‹withheld: {len(said)} bytes that hold a secret›"
    assert secret.encode()[:-1].hex() not in text


async def test_the_beginning_of_another_binary_frame_is_recorded() -> None:
    _, [entry] = await visited(Wordy(b"\x00\xff" * 9000))
    assert entry["raw"] == "00ff" * (socket.MOST_SHOWN // 4)


@pytest.mark.parametrize(
    "charset", ["punycode", "idna", "utf-7", "hex", "unicode_escape", "\udcff"]
)
def test_an_uncommon_charset_is_not_used(charset: str) -> None:
    content = b"a" + b"\xc3\xbc" + b"-9" * LONGEST
    headers = [(b"content-type", b"text/plain; charset=" + charset.encode("utf-8", "replace"))]
    began = time.perf_counter()
    assert decoded_body(httpx.Response(200, headers=headers), content) == content.decode()
    assert time.perf_counter() - began < 2


@pytest.mark.parametrize("charset", ["utf-8", "UTF8", "utf-16", "latin-1", "ISO-8859-1",
                                     "windows-1252"])  # fmt: skip
def test_a_common_charset_is_used(charset: str) -> None:
    headers = {"content-type": f"text/plain; charset={charset}"}
    response = httpx.Response(200, headers=headers)
    assert decoded_body(response, "größer".encode(charset)) == "größer"
    assert decoded_body(
        httpx.Response(200, headers={"content-type": "text/plain; charset=us-ascii"}), b"g\xff"
    ) == "g\N{REPLACEMENT CHARACTER}"  # fmt: skip
