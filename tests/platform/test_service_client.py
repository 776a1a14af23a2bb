"""The client of a service's hops: what it sends, what it makes of answers and of none."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Any

import anyio
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from gp_helpers.faults import TcpProxy
from gp_helpers.platform.contract import CORRELATION_HEADER
from gp_helpers.platform.correlation import adopt_correlation_id
from gp_helpers.platform.hops import HopFailed, HopReply, HopUnreachable
from gp_helpers.platform.service_client import ServiceClient

pytestmark = pytest.mark.anyio
Serve = Callable[[Any], Any]


async def _echo(request: Request) -> Response:
    return JSONResponse(
        {
            "method": request.method,
            "correlation_id": request.headers.get(CORRELATION_HEADER),
            "mine": request.headers.get("X-Mine"),
            "body": (await request.body()).decode(),
        },
        headers={"Set-Cookie": "session=1"},
    )


async def _cookies(request: Request) -> Response:
    return JSONResponse(dict(request.cookies))


REACHED = threading.Event()


async def _never(request: Request) -> Response:
    REACHED.set()
    while not await request.is_disconnected():  # noqa: ASYNC110
        await anyio.sleep(0.001)
    return Response()


APP = Starlette(
    routes=[
        Route("/echo", _echo, methods=["GET", "POST"]),
        Route("/cookies", _cookies),
        Route("/away", lambda _request: RedirectResponse("http://127.0.0.1:9/elsewhere")),
        Route("/broken", lambda _request: Response("no", status_code=503)),
        Route("/never", _never, methods=["GET", "POST"]),
    ]
)


async def test_a_request_carries_its_body_headers_and_correlation_id(serve: Serve) -> None:
    url = serve(APP).url
    async with ServiceClient() as http:
        adopt_correlation_id("correlated")
        reply = await http.request("POST", f"{url}/echo", body={"a": 1}, headers={"X-Mine": "yes"})
    assert reply.is_success
    assert reply.json() == {
        "method": "POST",
        "correlation_id": "correlated",
        "mine": "yes",
        "body": '{"a": 1}',
    }


async def test_no_cookie_is_kept_and_no_redirect_followed(serve: Serve) -> None:
    url = serve(APP).url
    async with ServiceClient() as http:
        await http.request("GET", f"{url}/echo")
        assert (await http.request("GET", f"{url}/cookies")).json() == {}
        assert (await http.request("GET", f"{url}/away")).status == 307


async def test_a_status_is_an_answer(serve: Serve) -> None:
    async with ServiceClient() as http:
        reply = await http.request("GET", f"{serve(APP).url}/broken")
    assert reply == HopReply(503, b"no")
    assert reply.is_server_error
    assert not reply.is_success


async def test_where_nobody_listens_nothing_was_done() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        async with ServiceClient() as http:
            with pytest.raises(HopUnreachable):
                await http.request("POST", f"http://127.0.0.1:{bound.getsockname()[1]}/", body={})


async def test_an_answer_that_does_not_come_in_time_is_unclear(serve: Serve) -> None:
    async with ServiceClient() as http:
        with pytest.raises(HopFailed) as failure:
            await http.request("GET", f"{serve(APP).url}/never", timeout_s=0.05)
    assert not isinstance(failure.value, HopUnreachable)


async def test_a_connection_that_is_reset_is_unclear(serve: Serve) -> None:
    REACHED.clear()
    port = int(serve(APP).url.rpartition(":")[2])
    async with TcpProxy("127.0.0.1", port) as proxy, ServiceClient() as http:
        failures: list[HopFailed] = []

        async def ask() -> None:
            try:
                await http.request("POST", f"http://127.0.0.1:{proxy.port}/never", body={})
            except HopFailed as failure:
                failures.append(failure)

        async with anyio.create_task_group() as group:
            group.start_soon(ask)
            with anyio.fail_after(5):
                while not REACHED.is_set():  # noqa: ASYNC110
                    await anyio.sleep(0.001)
            proxy.reset_all()
    assert [type(failure) for failure in failures] == [HopFailed]
