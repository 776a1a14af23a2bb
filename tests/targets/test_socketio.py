"""The transport `socketio`: messages in both directions, refusals, redirects and cuts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import socketio
from socketio.exceptions import ConnectionRefusedError as Refuse

from gp_helpers.targets.transports import (
    Channel,
    ChannelClosed,
    Detour,
    Handshake,
    HandshakeRefused,
    reader_of,
    transport,
)
from gp_helpers.targets.transports.socketio_client import MOST_UNREAD, Arrived, Inbox
from tests.faults.conftest import until
from tests.targets.conftest import serving

pytestmark = pytest.mark.anyio


def chat() -> Any:
    """A server that answers everything with what it got."""
    server = socketio.AsyncServer(async_mode="asgi")

    @server.event
    async def connect(sid: str, environ: dict[str, Any], auth: dict[str, Any] | None) -> None:
        if (auth or {}).get("key") != "good":
            raise Refuse("not you")
        await server.emit("cookie", environ.get("HTTP_COOKIE"), to=sid)

    @server.on("*")
    async def anything(event: str, sid: str, data: Any) -> None:
        if event == "go":
            await server.disconnect(sid)
        await server.emit("echo", {"event": event, "data": data}, to=sid)

    return socketio.ASGIApp(server, socketio_path="chat/io")


@pytest.fixture
async def port() -> AsyncIterator[int]:
    async with serving(chat()) as at:
        yield at


def handshake(port: int, key: str = "good", **more: Any) -> Handshake:
    options = {"path": "chat/io", "auth": {"key": key}}
    return Handshake(f"http://127.0.0.1:{port}", timeout_s=5.0, **{"options": options, **more})


async def test_events_travel_both_ways_and_the_connection_comes_first(port: int) -> None:
    channel = await transport("socketio").open(handshake(port, headers=[("Cookie", "a=b")]))
    await channel.send({"event": "say", "data": {"words": "hello"}})
    received = [(await channel.receive()).message for _ in range(3)]
    assert {one["event"] for one in received[:2]} == {"connect", "cookie"}
    assert [one["data"] for one in received if one["event"] == "cookie"] == ["a=b"]
    assert received[2]["data"] == {"event": "say", "data": {"words": "hello"}}
    await channel.close()
    with pytest.raises(ChannelClosed) as end:
        await channel.receive()
    assert (end.value.code, end.value.by) == (1000, "us")


async def until_closed(channel: Channel) -> None:
    while True:
        await channel.receive()


async def test_a_cut_is_ours_and_an_end_by_the_server_is_theirs(port: int) -> None:
    cut = await transport("socketio").open(handshake(port))
    await cut.abort()
    ended = await transport("socketio").open(handshake(port))
    await ended.send({"event": "go", "data": {}})
    for channel, by in ((cut, "us"), (ended, "them")):
        with pytest.raises(ChannelClosed) as end:
            await until_closed(channel)
        assert end.value.by == by
    await ended.close()


async def test_a_refusal_is_a_refusal_and_silence_is_none(port: int) -> None:
    for refused, status in (
        (handshake(port, key="bad"), 403),
        (Handshake("http://127.0.0.1:1", timeout_s=2.0), None),
    ):
        with pytest.raises(HandshakeRefused) as end:
            await transport("socketio").open(refused)
        assert end.value.status == status


async def test_a_redirect_is_not_followed() -> None:
    visited: list[str] = []

    async def elsewhere(scope: Any, receive: Any, send: Any) -> None:
        del receive, send
        visited.append(scope["path"])

    async with serving(elsewhere) as other:
        location = f"http://127.0.0.1:{other}/".encode()

        async def redirecting(scope: Any, receive: Any, send: Any) -> None:
            del receive
            prefix = "websocket.http.response" if scope["type"] == "websocket" else "http.response"
            headers = [(b"location", location)]
            await send({"type": f"{prefix}.start", "status": 302, "headers": headers})
            await send({"type": f"{prefix}.body", "body": b""})

        async with serving(redirecting) as port:
            with pytest.raises(HandshakeRefused) as end:
                await transport("socketio").open(handshake(port))
    assert end.value.status == 302
    assert visited == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('42["say",{"n":1},2]', {"event": "say", "data": {"n": 1}, "args": [{"n": 1}, 2]}),
        ('42/chat,7["say"]', {"event": "say", "data": None, "args": []}),
        ("40{}", None),
        ("2", None),
        ("42{", None),
        ("42[NaN]", None),
        ("", None),
    ],
)
def test_a_message_is_read_out_of_a_frame_on_its_way(text: str, message: Any) -> None:
    read = reader_of("socketio")
    assert read is not None
    assert read(text) == message


async def test_who_puts_into_a_full_inbox_waits_until_somebody_reads_or_leaves() -> None:
    inbox, put = Inbox(), 0

    async def flood() -> None:
        nonlocal put
        for number in range(MOST_UNREAD + 5):
            await inbox.put(Arrived((number,)))
            put += 1

    flooding = asyncio.create_task(flood())
    await until(lambda: put == MOST_UNREAD)
    await asyncio.sleep(0)
    assert not flooding.done()
    assert [(await inbox.take() or Arrived()).event for _ in range(3)] == [(0,), (1,), (2,)]
    await until(lambda: put == MOST_UNREAD + 3)
    inbox.close()
    await flooding
    left = [arrived async for arrived in _taken(inbox)]
    assert [one.event for one in left] == [(number,) for number in range(3, MOST_UNREAD + 3)]


async def _taken(inbox: Inbox) -> AsyncIterator[Arrived]:
    while (arrived := await inbox.take()) is not None:
        yield arrived


async def test_it_connects_through_a_proxy_under_the_urls_own_name(port: int) -> None:
    stated = Handshake(
        "http://chat.example:80",
        timeout_s=5.0,
        options={"path": "chat/io", "auth": {"key": "good"}},
        via=Detour("127.0.0.1", port),
    )
    channel = await transport("socketio").open(stated)
    assert (await channel.receive()).message["event"] in ("connect", "cookie")
    await channel.close()
