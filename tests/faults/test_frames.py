"""The frame proxy between a real client and a real server."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import pytest
import trustme
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus
from websockets.http11 import Request, Response
from websockets.typing import Origin, Subprotocol

from gp_helpers.cloud_run.sockets import reset_on_close
from gp_helpers.faults import (
    CloseWith,
    Delay,
    DelayFrame,
    Direction,
    DropFrame,
    Fate,
    FrameMatch,
    FrameProxy,
    HoldUntilPassed,
    InterventionNotAllowed,
)
from gp_helpers.faults.frames_connection import FrameConnection
from tests.faults.conftest import Client, client_of, until

pytestmark = pytest.mark.anyio

DOWN = Direction.TO_CLIENT
HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


@dataclass
class Echo:
    """A server that echoes, and remembers handshakes and ends."""

    port: int = 0
    requests: list[Request] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)
    received: list[str | bytes] = field(default_factory=list)
    ends: list[tuple[int | None, str | None]] = field(default_factory=list)
    server: Any = None

    async def __call__(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.requests.append(connection.request)
        async for message in connection:
            self.received.append(message)
            if message == "please close":
                await connection.close(4002, "as asked")
            await connection.send(message)

    async def ended(self, connection: ServerConnection) -> None:
        await connection.wait_closed()
        self.ends.append((connection.close_code, connection.close_reason))


def refuse(connection: ServerConnection, request: Request) -> Response | None:
    if request.path.startswith("/refuse"):
        response = connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "not ready\n")
        response.headers["Retry-After"] = "7"
        return response
    return None


@asynccontextmanager
async def echoing(tls: ssl.SSLContext | None = None) -> AsyncIterator[Echo]:
    echo = Echo()

    async def handle(connection: ServerConnection) -> None:
        try:
            await echo(connection)
        except ConnectionClosed:
            pass
        finally:
            echo.ends.append((connection.close_code, connection.close_reason))

    async with serve(
        handle,
        "127.0.0.1",
        0,
        ssl=tls,
        process_request=refuse,
        max_size=None,
        subprotocols=[Subprotocol("golden-path.v1")],
        select_subprotocol=lambda _, offered: offered[0] if offered else None,
    ) as server:
        echo.port = next(iter(server.sockets)).getsockname()[1]
        yield echo


@pytest.fixture
async def echo() -> AsyncIterator[Echo]:
    async with echoing() as server:
        yield server


@asynccontextmanager
async def through(echo: Echo, **options: Any) -> AsyncIterator[tuple[FrameProxy, ClientConnection]]:
    async with (
        FrameProxy("127.0.0.1", echo.port) as proxy,
        connect(f"{proxy.url}/ws?mode=main", proxy=None, **options) as client,
    ):
        yield proxy, client


def typed(word: str) -> str:
    return json.dumps({"type": word})


async def ask(client: ClientConnection, message: str | bytes) -> str | bytes:
    await client.send(message)
    return await asyncio.wait_for(client.recv(), 5)


async def test_it_is_transparent_by_default(echo: Echo) -> None:
    big = "x" * 2_000_000
    async with through(echo, max_size=None) as (proxy, client):
        for message in ("text", b"\x00binary", big, ""):
            assert await ask(client, message) == message
        pong = await client.ping(b"end to end")
        await asyncio.wait_for(pong, 5)
    assert echo.received == ["text", b"\x00binary", big, ""]
    await until(lambda: echo.ends)
    assert echo.ends == [(1000, "")]
    assert [record.fate for record in proxy.records] == [Fate.PASSED] * 12
    await until(lambda: proxy.open_connections == 0)


async def test_a_fragmented_message_arrives_as_it_was_sent(echo: Echo) -> None:
    async with through(echo) as (_, client):
        await client.send(iter(["one ", "two ", "three"]))
        assert await asyncio.wait_for(client.recv(), 5) == "one two three"


async def test_origin_cookies_subprotocol_and_path_are_kept_and_host_is_the_servers(
    echo: Echo,
) -> None:
    async with through(
        echo,
        origin=Origin("https://app.example"),
        additional_headers=[("Cookie", "a=1"), ("Cookie", "b=2"), ("X-Own", "kept")],
        subprotocols=[Subprotocol("golden-path.v1"), Subprotocol("jwt.abc")],
        compression="deflate",
    ) as (_, client):
        assert client.subprotocol == "golden-path.v1"
        assert await ask(client, "compressible " * 100) == "compressible " * 100
        assert client.protocol.extensions == []
    [request] = echo.requests
    assert request.path == "/ws?mode=main"
    assert request.headers["Host"] == f"127.0.0.1:{echo.port}"
    assert request.headers["Origin"] == "https://app.example"
    assert request.headers.get_all("Cookie") == ["a=1", "b=2"]
    assert request.headers["X-Own"] == "kept"
    assert "Sec-WebSocket-Extensions" not in request.headers


async def test_a_refused_handshake_reaches_the_client_whole(echo: Echo) -> None:
    async with FrameProxy("127.0.0.1", echo.port) as proxy:
        with pytest.raises(InvalidStatus) as refused:
            await connect(f"{proxy.url}/refuse", proxy=None)
    response = refused.value.response
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "7"
    assert response.body == b"not ready\n"
    assert response.headers.get_all("Content-Length") == ["10"]


async def test_close_codes_pass_both_ways(echo: Echo) -> None:
    async with through(echo) as (_, client):
        await client.send("please close")
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(client.recv(), 5)
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4002, "as asked")
    async with through(echo) as (_, client):
        await client.close(4003, "by the client")
    await until(lambda: len(echo.ends) == 2)
    assert echo.ends == [(4002, "as asked"), (4003, "by the client")]


async def test_a_delay_is_achieved_and_on_record(echo: Echo) -> None:
    async with through(echo) as (proxy, client):
        proxy.plan.add(DelayFrame(0.03), FrameMatch(direction=DOWN, json_type="slow"))
        await ask(client, typed("quick"))
        began = time.perf_counter()
        await ask(client, typed("slow"))
        took = time.perf_counter() - began
        [record] = [one for one in proxy.records if one.intervention == "delay"]
        assert (record.direction, record.json_type, record.connection) == (DOWN, "slow", 1)
        assert record.requested_s == pytest.approx(0.03)
        assert 0.03 <= record.achieved_s <= took


async def test_latency_of_a_direction_is_switched_while_connections_are_open(echo: Echo) -> None:
    async with through(echo) as (proxy, client):
        await ask(client, "1")
        proxy.set(to_server=Delay(latency_s=0.05))
        began = time.perf_counter()
        await ask(client, "2")
        assert time.perf_counter() - began >= 0.05
        proxy.clear()
        await ask(client, "3")
        assert [round(one.requested_s or 0, 6) for one in proxy.records] == [0, 0, 0.05, 0, 0, 0]


async def test_a_message_is_held_until_one_of_another_connection_has_passed(echo: Echo) -> None:
    async with FrameProxy("127.0.0.1", echo.port) as proxy:
        first = await connect(proxy.url, proxy=None)
        second = await connect(proxy.url, proxy=None)
        proxy.plan.add(
            HoldUntilPassed(until=FrameMatch(connection=2, json_type="go")),
            FrameMatch(connection=1, direction=DOWN),
        )
        await first.send(typed("held"))
        await until(lambda: echo.received == [typed("held")])
        await asyncio.wait_for(await first.ping(), 5)
        assert proxy.counted() == {"passed": 3}
        assert await ask(second, typed("go")) == typed("go")
        assert await asyncio.wait_for(first.recv(), 5) == typed("held")
        await first.close()
        await second.close()


async def test_a_dropped_message_never_arrives(echo: Echo) -> None:
    async with through(echo) as (proxy, client):
        proxy.plan.add(DropFrame(), FrameMatch(direction=DOWN, nth=2))
        for word in ("a", "b", "c"):
            await client.send(typed(word))
        got = [await asyncio.wait_for(client.recv(), 5) for _ in range(2)]
        assert got == [typed("a"), typed("c")]
    assert proxy.counted()["dropped"] == 1


async def test_a_planned_close_has_its_code_on_both_sides(echo: Echo) -> None:
    async with through(echo) as (proxy, client):
        proxy.plan.add(CloseWith(1013, "try later"), FrameMatch(json_type="b"))
        await ask(client, typed("a"))
        await client.send(typed("b"))
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(client.recv(), 5)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1013
        await until(lambda: echo.ends)
        assert echo.ends == [(1013, "try later")]
        assert echo.received == [typed("a")]
        await until(lambda: proxy.open_connections == 0)


async def test_a_client_that_vanishes_is_reset_towards_the_server(echo: Echo) -> None:
    async with through(echo) as (proxy, client):
        await ask(client, "here")
        client.transport.abort()
        await until(lambda: echo.ends)
        assert echo.ends == [(1006, "")]
        await until(lambda: proxy.open_connections == 0)


async def test_a_server_that_refuses_shows_as_a_reset() -> None:
    async with FrameProxy("127.0.0.1", 1) as proxy:
        with pytest.raises((ConnectionResetError, InvalidMessage)):
            await connect(proxy.url, proxy=None)
        assert "ConnectionRefusedError" in proxy.refusals[0]
        await until(lambda: proxy.open_connections == 0)


async def test_nonsense_from_the_client_ends_the_connection(echo: Echo) -> None:
    async with FrameProxy("127.0.0.1", echo.port) as proxy, client_of(proxy.port) as client:
        client.writer.write(b"NONSENSE\r\n\r\n")
        assert await asyncio.wait_for(client.reader.read(-1), 5) == b""
        await until(lambda: proxy.open_connections == 0)


async def test_an_unmasked_frame_is_refused_and_the_server_sees_an_end(echo: Echo) -> None:
    async with through(echo) as (proxy, client):
        client.transport.write(b"\x81\x01x")
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(client.recv(), 5)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1002
        await until(lambda: echo.ends)
        await until(lambda: proxy.open_connections == 0)


async def test_a_message_beyond_the_limit_ends_the_connection_with_1009(echo: Echo) -> None:
    async with (
        FrameProxy("127.0.0.1", echo.port, max_message_bytes=1000) as proxy,
        connect(proxy.url, proxy=None) as client,
    ):
        with pytest.raises(ConnectionClosed) as closed:
            await ask(client, "x" * 1001)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009


async def test_fragments_beyond_the_limit_end_the_connection_with_1009(echo: Echo) -> None:
    async with (
        FrameProxy("127.0.0.1", echo.port, max_message_bytes=1000) as proxy,
        connect(proxy.url, proxy=None) as client,
    ):
        await client.send(["x" * 600, "y" * 600])
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(client.recv(), 5)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009
    assert echo.received == []


@asynccontextmanager
async def opened_by_hand(proxy: FrameProxy) -> AsyncIterator[Client]:
    """A client that answers nothing by itself."""
    async with client_of(proxy.port) as client:
        client.writer.write(HANDSHAKE)
        await asyncio.wait_for(client.reader.readuntil(b"\r\n\r\n"), 5)
        yield client


async def test_a_planned_close_ends_the_connection_though_nobody_answers_it(echo: Echo) -> None:
    async with FrameProxy("127.0.0.1", echo.port) as proxy, opened_by_hand(proxy) as client:
        proxy.plan.add(CloseWith(1013))
        client.writer.write(b"\x81\x81\0\0\0\0a")
        assert await asyncio.wait_for(client.reader.read(-1), 5) == b"\x88\x02\x03\xf5"
        await until(lambda: proxy.open_connections == 0)


async def test_a_reset_by_the_server_is_a_reset_for_the_client() -> None:
    async def reset(connection: ServerConnection) -> None:
        reset_on_close(connection.transport.get_extra_info("socket"))
        connection.transport.abort()

    async with serve(reset, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with FrameProxy("127.0.0.1", port) as proxy, opened_by_hand(proxy) as client:
            with pytest.raises(ConnectionResetError):
                await asyncio.wait_for(client.reader.read(-1), 5)


async def test_a_flood_is_taken_in_small_pieces_and_not_written_to_who_has_left(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def flood(connection: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            while True:
                await connection.send(b"x" * 100)

    pieces: list[int] = []
    receive = FrameConnection.receive

    def counted(connection: FrameConnection, side: Any, data: bytes) -> None:
        pieces.append(len(data))
        receive(connection, side, data)

    monkeypatch.setattr(FrameConnection, "receive", counted)
    async with serve(flood, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with FrameProxy("127.0.0.1", port) as proxy:
            client = await connect(proxy.url, proxy=None)
            await until(lambda: len(proxy.records) > 5000 or sum(pieces) > 1_000_000)
            client.transport.abort()
            await until(lambda: proxy.open_connections == 0)
    assert max(pieces) <= 1 << 15
    assert [one for one in caplog.messages if "socket.send()" in one] == []


async def test_a_connection_that_comes_later_is_delayed_as_well(echo: Echo) -> None:
    async with FrameProxy("127.0.0.1", echo.port) as proxy:
        proxy.set(to_server=Delay(latency_s=0.03))
        async with connect(proxy.url, proxy=None) as client:
            await ask(client, "late")
        assert proxy.records[0].requested_s == pytest.approx(0.03)


async def test_the_newest_records_are_kept_and_the_others_counted(echo: Echo) -> None:
    async with through(echo) as (proxy, client):
        await ask(client, "one")
        record = proxy.records[0]
        for _ in range(10_000):
            proxy.note(record)
        assert (len(proxy.records), proxy.records_dropped) == (10_000, 2)


async def test_leaving_ends_what_is_still_connecting() -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(-1)
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    async with server, asyncio.timeout(10):
        port = server.sockets[0].getsockname()[1]
        async with AsyncExitStack() as clients:
            tls = ssl.create_default_context()
            async with FrameProxy("127.0.0.1", port, server_tls=tls) as proxy:
                client = await clients.enter_async_context(client_of(proxy.port))
                client.writer.write(HANDSHAKE)
                await until(lambda: any(one.connecting for one in proxy._connections))
                [under_way] = [one.connecting for one in proxy._connections]
            assert under_way is not None
            assert under_way.done()
            assert await client.reader.read() == b""


async def test_held_messages_do_not_fill_memory(echo: Echo) -> None:
    async with through(echo) as (proxy, client):
        proxy.set(to_server=Delay(latency_s=60))
        sending = asyncio.create_task(_send_megabytes(client, 50))
        [connection] = proxy._connections
        await until(lambda: connection.client.is_paused)
        assert connection.exchange.bytes_held(Direction.TO_SERVER) < 4_000_000
        sending.cancel()
        client.transport.abort()


async def _send_megabytes(client: ClientConnection, count: int) -> None:
    for _ in range(count):
        await client.send(b"x" * 1_000_000)


async def test_wss_is_ended_and_begun_again_with_host_and_sni_kept() -> None:
    authority = trustme.CA()
    inner, outer = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("api.example.com").configure_cert(inner)
    authority.issue_cert("api.example.com").configure_cert(outer)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    names: list[str | None] = []
    inner.sni_callback = lambda _, name, __: names.append(name)
    async with (
        echoing(inner) as echo,
        FrameProxy("127.0.0.1", echo.port, server_tls=trusting, client_tls=outer) as proxy,
        connect(
            "wss://api.example.com/ws?mode=main",
            host="127.0.0.1",
            port=proxy.port,
            ssl=trusting,
            proxy=None,
            origin=Origin("https://app.example"),
            additional_headers={"Cookie": "session=1"},
        ) as client,
    ):
        assert await ask(client, typed("over tls")) == typed("over tls")
    [request] = echo.requests
    assert names == ["api.example.com"]
    assert request.headers["Host"] == "api.example.com"
    assert request.headers["Origin"] == "https://app.example"
    assert request.headers["Cookie"] == "session=1"
    assert proxy.handshakes[0].server_name == "api.example.com"
    await until(lambda: echo.ends)
    assert echo.ends == [(1000, "")]


async def test_a_plain_client_reaches_a_tls_server_whose_certificate_is_verified() -> None:
    authority, stranger = trustme.CA(), trustme.CA()
    inner = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("api.example.com").configure_cert(inner)
    trusting, distrusting = ssl.create_default_context(), ssl.create_default_context()
    authority.configure_trust(trusting)
    stranger.configure_trust(distrusting)
    async with echoing(inner) as echo:
        for context, works in ((trusting, True), (distrusting, False)):
            async with FrameProxy(
                "127.0.0.1", echo.port, server_tls=context, server_host="api.example.com"
            ) as proxy:
                url = proxy.url_of("wss://api.example.com/ws?mode=main")
                assert url == f"ws://127.0.0.1:{proxy.port}/ws?mode=main"
                if works:
                    async with connect(url, proxy=None) as client:
                        assert await ask(client, "hello") == "hello"
                    assert echo.requests[0].headers["Host"] == f"api.example.com:{echo.port}"
                else:
                    with pytest.raises((ConnectionResetError, InvalidMessage)):
                        await connect(url, proxy=None)
                    assert "CERTIFICATE_VERIFY_FAILED" in proxy.refusals[0]


async def test_leaving_ends_connections_and_the_listening_port(echo: Echo) -> None:
    async with FrameProxy("127.0.0.1", echo.port) as proxy:
        client = await connect(proxy.url, proxy=None)
        await ask(client, "here")
    with pytest.raises(ConnectionClosed):
        await asyncio.wait_for(client.recv(), 5)
    await until(lambda: echo.ends)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", proxy.port)


async def test_a_reset_loses_what_is_held_and_has_to_be_allowed(echo: Echo) -> None:
    nothing = FrameMatch(where=lambda _: False)
    async with through(echo) as (proxy, client):
        held = proxy.plan.add(HoldUntilPassed(until=nothing), FrameMatch(direction=DOWN))
        await client.send("hello")
        await until(lambda: held.applied_to)
        assert proxy.reset_all() == 1
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(client.recv(), 5)
        assert client.close_code == 1006
        await until(lambda: proxy.open_connections == 0)
    async with FrameProxy("127.0.0.1", echo.port, allowed=frozenset({"hold"})) as proxy:
        with pytest.raises(InterventionNotAllowed, match="close"):
            proxy.reset_all()
