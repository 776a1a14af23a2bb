"""The ingress is a correct HTTP/1.1 hop: what passes, what it adds, and how it treats nonsense."""

from __future__ import annotations

import asyncio
import os
import re
import socket

import pytest
import websockets

from gp_helpers.cloud_run import Host, RevisionSettings
from tests.cloud_run.conftest import Front, front

pytestmark = pytest.mark.anyio


async def seen_headers(platform: Front, headers: dict[str, str]) -> dict[str, str]:
    reply = await platform.client.get("/", headers=headers)
    return dict(reply.json()["headers"])


async def test_it_adds_the_hops_headers_where_they_are_absent(host: Host) -> None:
    async with front(host, RevisionSettings()) as platform:
        headers = await seen_headers(platform, {})
        assert headers["x-forwarded-for"] == "127.0.0.1"
        assert headers["x-forwarded-proto"] == "http"
        assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", headers["traceparent"])
        assert re.fullmatch(r"[0-9a-f]{16}", headers["x-correlation-id"])
        assert headers["host"] == f"127.0.0.1:{platform.ingress.port}"


async def test_it_passes_correlation_and_trace_through_and_extends_the_chain(host: Host) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    sent = {"X-Correlation-ID": "mine", "traceparent": trace, "X-Forwarded-For": "10.0.0.9"}
    async with front(host, RevisionSettings()) as platform:
        headers = await seen_headers(platform, sent)
        assert headers["x-correlation-id"] == "mine"
        assert headers["traceparent"] == trace
        assert headers["x-forwarded-for"] == "10.0.0.9, 127.0.0.1"


async def test_large_bodies_pass_unchanged_both_ways(host: Host) -> None:
    body = os.urandom(3_000_000)
    async with front(host, RevisionSettings()) as platform:
        assert (await platform.client.post("/echo", content=body)).content == body

        async def chunks() -> object:
            for start in range(0, len(body), 100_000):
                yield body[start : start + 100_000]

        assert (await platform.client.post("/echo", content=chunks())).content == body


async def test_a_streamed_response_arrives_as_it_is_made(host: Host) -> None:
    async with (
        front(host, RevisionSettings()) as platform,
        platform.client.stream("GET", "/stream?n=3") as reply,
    ):
        assert [chunk async for chunk in reply.aiter_text()] == ["0\n", "1\n", "2\n"]


async def test_many_requests_share_one_connection(host: Host) -> None:
    async with front(host, RevisionSettings()) as platform:
        reader, writer = await asyncio.open_connection("127.0.0.1", platform.ingress.port)
        for number in range(3):
            body = f"body {number}".encode()
            head = f"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
            assert await reader.readexactly(len(body)) == body
        writer.close()


async def test_a_body_that_comes_after_its_answer_does_not_cost_the_connection(host: Host) -> None:
    async with front(host, RevisionSettings()) as platform:
        reader, writer = await asyncio.open_connection("127.0.0.1", platform.ingress.port)
        for _ in range(2):
            # Nobody reads this body: the path knows no POST.
            writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n")
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
            assert head.startswith(b"HTTP/1.1 405")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            writer.write(b"body")
        writer.close()


async def test_pipelined_requests_are_answered_in_order(host: Host) -> None:
    async with front(host, RevisionSettings()) as platform:
        reader, writer = await asyncio.open_connection("127.0.0.1", platform.ingress.port)
        writer.write(
            b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\none"
            b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nConnection: close\r\n\r\ntwo"
        )
        content = await reader.read()
        writer.close()
        assert [part for part in (b"one", b"two") if part in content] == [b"one", b"two"]
        assert content.index(b"one") < content.index(b"two")


@pytest.mark.parametrize(
    "nonsense", [b"hello?\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01"]
)
async def test_nonsense_gets_a_400(host: Host, nonsense: bytes) -> None:
    async with front(host, RevisionSettings()) as platform:
        reader, writer = await asyncio.open_connection("127.0.0.1", platform.ingress.port)
        writer.write(nonsense)
        writer.write_eof()
        content = await reader.read()
        writer.close()
        assert content.startswith(b"HTTP/1.1 400") or (content == b"" and nonsense[0] == 0x16)
        assert (await platform.client.get("/")).status_code == 200


async def test_a_client_that_leaves_frees_its_place(host: Host) -> None:
    settings = RevisionSettings(concurrency=1, max_instances=1, shutdown_grace_s=0.1)
    async with front(host, settings) as platform:
        await platform.client.get("/")
        _, writer = await asyncio.open_connection("127.0.0.1", platform.ingress.port)
        writer.write(b"GET /slow?s=60 HTTP/1.1\r\nHost: x\r\n\r\n")
        while (await platform.report())["instances"][0]["in_flight"] != 1:
            pass
        writer.transport.abort()
        assert (await platform.client.get("/")).status_code == 200
        assert (await platform.report())["counters"]["client_gone"] == 1


async def test_a_websocket_passes_large_messages_and_its_close_code(host: Host) -> None:
    async with front(host, RevisionSettings()) as platform:
        async with websockets.connect(platform.websocket_url, max_size=None) as connection:
            text = "x" * 1_000_000
            await connection.send(text)
            assert await connection.recv() == text
            await connection.close(4321, "enough")
        assert (connection.close_code, connection.close_reason) == (4321, "enough")
        while (await platform.report())["instances"][0]["in_flight"]:
            pass


async def test_a_reset_by_the_client_ends_the_instances_side(host: Host) -> None:
    async with front(host, RevisionSettings()) as platform:
        connection = await websockets.connect(platform.websocket_url)
        assert (await platform.report())["instances"][0]["in_flight"] == 1
        raw = connection.transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        connection.transport.abort()
        async with asyncio.timeout(5):
            while (await platform.report())["instances"][0]["in_flight"]:
                pass
        assert (await platform.client.get("/")).status_code == 200


async def test_a_denied_handshake_passes_with_status_and_body(host: Host) -> None:
    async with front(host, RevisionSettings()) as platform:
        with pytest.raises(websockets.InvalidStatus) as refused:
            await websockets.connect(platform.websocket_url + "?deny=1")
        assert refused.value.response.status_code == 401
        assert refused.value.response.body == b'{"error":"denied"}'
        assert (await platform.report())["counters"]["websockets"] == 0
