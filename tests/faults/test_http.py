"""The HTTP hop on real sockets, in front of a hosted application."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import websockets

from gp_helpers.cloud_run import Isolation, ServiceSpec, open_host
from gp_helpers.faults import (
    Answer,
    GateTimeout,
    Hold,
    HttpFault,
    HttpMessage,
    LoseResponse,
    Match,
    NeverAnswer,
    OrderGate,
)
from tests.faults.conftest import until

pytestmark = pytest.mark.anyio


@pytest.fixture
async def hop(tmp_path: Path) -> AsyncIterator[HttpFault]:
    async with open_host(Isolation.THREAD, logs=tmp_path, grace_s=0.5) as host:
        served = await host.start(ServiceSpec(name="app", entry="tests.cloud_run.apps:build"))
        async with HttpFault(served.host, served.port) as fault:
            yield fault


@pytest.fixture
async def client(hop: HttpFault) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=hop.url, verify=False) as made:
        yield made


async def test_it_is_transparent_by_default(hop: HttpFault, client: httpx.AsyncClient) -> None:
    body = os.urandom(1_000_000)
    assert (await client.post("/echo", content=body)).content == body
    assert (await client.get("/stream?n=3")).text == "0\n1\n2\n"
    names = [name for name, _ in (await client.get("/")).json()["headers"]]
    assert "x-forwarded-for" not in names
    assert [(one.number, one.method, one.path) for one in hop.requests] == [
        (1, "POST", "/echo"),
        (2, "GET", "/stream"),
        (3, "GET", "/"),
    ]


async def test_websockets_pass(hop: HttpFault) -> None:
    async with websockets.connect(hop.url.replace("http", "ws") + "/ws") as connection:
        await connection.send("hello")
        assert await connection.recv() == "hello"
        await connection.close(4000, "done")
    assert connection.close_code == 4000


async def test_it_answers_the_next_requests_itself_and_keeps_the_connection(
    hop: HttpFault, client: httpx.AsyncClient
) -> None:
    planned = hop.plan.add(Answer(503, {"Retry-After": "1"}, b'{"error": {}}'), times=2)
    replies = [await client.post("/echo", content=b"body") for _ in range(3)]
    assert [one.status_code for one in replies] == [503, 503, 200]
    assert (replies[0].headers["retry-after"], replies[0].content) == ("1", b'{"error": {}}')
    assert replies[2].content == b"body"
    assert (planned.applied_to, planned.is_over) == ([1, 2], True)


async def test_only_matching_requests_are_answered(
    hop: HttpFault, client: httpx.AsyncClient
) -> None:
    hop.plan.add(Answer(500), times=None, match=Match(method="post", path_prefix="/ec"))
    assert (await client.get("/")).status_code == 200
    assert (await client.post("/echo")).status_code == 500
    hop.plan.clear()
    assert (await client.post("/echo")).status_code == 200


async def test_it_holds_a_request_and_records_for_how_long(
    hop: HttpFault, client: httpx.AsyncClient
) -> None:
    hop.plan.add(Hold(0.1))
    began = time.perf_counter()
    assert (await client.get("/")).status_code == 200
    assert time.perf_counter() - began >= 0.1
    [(requested, achieved)] = hop.holds
    assert requested == 0.1
    assert 0.1 <= achieved < 0.15


async def test_it_never_answers_until_the_client_leaves(
    hop: HttpFault, client: httpx.AsyncClient
) -> None:
    hop.plan.add(NeverAnswer())
    with pytest.raises(httpx.ReadTimeout):
        await client.get("/", timeout=0.2)
    assert (await client.get("/")).status_code == 200


async def test_a_lost_response_is_a_request_that_was_done(
    hop: HttpFault, client: httpx.AsyncClient
) -> None:
    hop.plan.add(LoseResponse())
    with pytest.raises(httpx.TransportError):
        await client.get("/slow?s=0")
    assert (await client.get("/")).json()["finished"] == 1


async def test_a_gate_holds_a_request_until_another_has_been_answered(
    hop: HttpFault, client: httpx.AsyncClient
) -> None:
    gate: OrderGate[HttpMessage] = OrderGate(
        hold=lambda message: message.path == "/" and message.status is None,
        until=lambda message: message.path == "/echo" and message.status == 200,
        give_up_after_s=5,
    )
    hop.gates.append(gate)
    held = asyncio.ensure_future(client.get("/"))
    await until(lambda: gate.held)
    assert not (await asyncio.wait({held}, timeout=0.1))[0]
    await client.post("/echo")
    assert (await held).status_code == 200
    assert [one.path for one in gate.held] == ["/"]
    assert gate.opened_by is not None
    assert gate.opened_by.status == 200


async def test_a_server_that_is_gone_shows_as_a_broken_connection(tmp_path: Path) -> None:
    async with open_host(Isolation.THREAD, logs=tmp_path) as host:
        served = await host.start(ServiceSpec(name="app", entry="tests.cloud_run.apps:build"))
        async with HttpFault(served.host, served.port) as hop:
            await served.kill()
            async with httpx.AsyncClient(verify=False) as client:
                with pytest.raises(httpx.TransportError):
                    await client.get(hop.url)


async def test_leaving_ends_what_is_held(hop: HttpFault, client: httpx.AsyncClient) -> None:
    hop.plan.add(Hold(60))
    waiting = asyncio.ensure_future(client.get("/"))
    await until(lambda: hop.requests)
    await hop.__aexit__(None, None, None)
    with pytest.raises(httpx.TransportError):
        await waiting


async def test_a_gate_says_what_it_waited_for_in_vain() -> None:
    gate: OrderGate[str] = OrderGate(
        hold=lambda m: m == "held", until=lambda m: m == "opener", give_up_after_s=0.05
    )
    await gate.pass_through("other")
    with pytest.raises(GateTimeout, match=r"did not pass within 0\.05 s; held: 'held'"):
        await gate.pass_through("held")
    assert gate.offer("opener")
    assert gate.offer("held")
