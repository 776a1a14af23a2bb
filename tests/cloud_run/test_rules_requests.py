"""Conformance of the ingress to the rules about requests; limits are set small."""

from __future__ import annotations

import asyncio
import time

import pytest
import websockets

from gp_helpers.cloud_run import Host, HttpProbe, RevisionSettings
from tests.cloud_run.conftest import APPS, Front, front, service

pytestmark = pytest.mark.anyio


async def slow(front: Front, seconds: float) -> int:
    return (await front.client.get("/slow", params={"s": seconds})).status_code


async def test_request_timeout_answers_504_and_the_instance_goes_on(host: Host) -> None:
    async with front(host, RevisionSettings(request_timeout_s=0.2, min_instances=1)) as platform:
        began = time.monotonic()
        reply = await platform.client.get("/slow", params={"s": 1.0})
        assert reply.status_code == 504
        assert 0.2 <= time.monotonic() - began < 1.0
        assert reply.json()["error"]["code"] == "request_timeout"
        assert reply.json()["error"]["retryable"] is True
        while (await platform.client.get("/")).json()["finished"] == 0:
            assert time.monotonic() - began < 5
        report = await platform.report()
        assert report["counters"]["timed_out"] == 1
        assert [one["state"] for one in report["instances"]] == ["serving"]


async def test_request_timeout_includes_the_start_of_the_instance(host: Host) -> None:
    settings = RevisionSettings(request_timeout_s=0.2)
    template = service(config={"start_takes_s": 1})
    async with front(host, settings, template=template) as platform:
        assert (await platform.client.get("/")).status_code == 504
        assert (await platform.report())["queue"] == 0


async def test_request_timeout_is_scaled(host: Host) -> None:
    async with front(host, RevisionSettings(time_scale=0.001, min_instances=1)) as platform:
        assert await slow(platform, 2) == 504


async def test_request_timeout_cuts_a_response_that_has_begun(host: Host) -> None:
    async with front(host, RevisionSettings(request_timeout_s=0.2, min_instances=1)) as platform:
        port = platform.ingress.port
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /stream?n=1000 HTTP/1.1\r\nHost: x\r\n\r\n")
        content = await reader.read()
        writer.close()
        assert content.startswith(b"HTTP/1.1 200")
        assert not content.endswith(b"0\r\n\r\n")
        assert (await platform.report())["counters"]["cut"] == 1


async def test_websocket_timeout_cuts_without_a_close_frame(host: Host) -> None:
    async with front(host, RevisionSettings(request_timeout_s=0.3, min_instances=1)) as platform:
        async with websockets.connect(platform.websocket_url) as connection:
            began = time.monotonic()
            await connection.send("still here")
            assert await connection.recv() == "still here"
            with pytest.raises(websockets.ConnectionClosedError) as closed:
                await connection.recv()
            assert 0.2 < time.monotonic() - began < 1.5
        assert (closed.value.rcvd, closed.value.sent) == (None, None)
        report = await platform.report()
        assert (report["counters"]["cut"], report["instances"][0]["websockets"]) == (1, 0)
        assert report["instances"][0]["state"] == "serving"


async def test_front_proxy_idle_timeout_cuts_only_what_is_silent(host: Host) -> None:
    async with front(host, RevisionSettings(idle_timeout_s=0.4, min_instances=1)) as platform:
        async with websockets.connect(platform.websocket_url) as connection:
            for _ in range(5):
                await asyncio.sleep(0.1)
                await connection.send("awake")
                assert await connection.recv() == "awake"
            began = time.monotonic()
            with pytest.raises(websockets.ConnectionClosedError):
                await connection.recv()
            assert 0.35 < time.monotonic() - began < 1.5
        assert (await platform.report())["counters"]["idle_cut"] == 1


async def until_cut(connection: websockets.ClientConnection) -> None:
    with pytest.raises(websockets.ConnectionClosedError):
        await connection.recv()


async def test_a_step_of_the_clock_ends_at_once_what_it_crosses_and_nothing_else(
    host: Host,
) -> None:
    settings = RevisionSettings(request_timeout_s=300, idle_timeout_s=60, min_instances=1)
    async with front(host, settings) as platform:

        async def step_to(offset_s: object) -> int:
            body = {"offset_s": offset_s}
            return (await platform.control("PUT", "/internal/clock", body)).status_code

        async with (
            websockets.connect(platform.websocket_url) as quiet,
            websockets.connect(platform.websocket_url) as awake,
        ):
            for offset_s in (50, 100, 150, 200, 250, 290):
                assert await step_to(offset_s) == 200
                await awake.send("awake")
                assert await awake.recv() == "awake"
            await until_cut(quiet)
            counters = (await platform.report())["counters"]
            assert (counters["idle_cut"], counters["cut"]) == (1, 0)
            assert await step_to(301) == 200
            await until_cut(awake)
        assert (await platform.client.get("/")).status_code == 200
        report = await platform.report()
        assert (report["counters"]["idle_cut"], report["counters"]["cut"]) == (1, 1)
        assert report["offset_s"] == 301
        assert [await step_to(wrong) for wrong in ("301", None)] == [422, 422]


async def test_concurrency_limits_what_an_instance_has_at_once(host: Host) -> None:
    settings = RevisionSettings(concurrency=2, max_instances=2)
    async with front(host, settings) as platform:
        asking = [asyncio.ensure_future(slow(platform, 0.7)) for _ in range(5)]
        most: list[int] = []
        while not all(one.done() for one in asking):
            report = await platform.report()
            in_flight = [one["in_flight"] for one in report["instances"]]
            most.append(max(in_flight, default=0))
            # Of five, four are at work and one waits; before, some have not arrived yet.
            if report["queue"] == 1 and sum(in_flight) > 2:
                assert in_flight == [2, 2]
        assert max(most) == 2
        assert [await one for one in asking] == [200] * 5


async def test_queue_at_instance_limit_ends_with_429(host: Host) -> None:
    settings = RevisionSettings(concurrency=1, max_instances=1, queue_timeout_floor_s=0.2)
    async with front(host, settings) as platform:

        async def in_flight() -> int:
            return int((await platform.report())["instances"][0]["in_flight"])

        # On a busy machine its start takes longer than a queue is allowed here.
        while (await platform.client.get("/")).status_code != 200:
            pass
        while await in_flight() != 0:
            pass
        refused_at_start = (await platform.report())["counters"]["too_many"]
        first = asyncio.ensure_future(slow(platform, 2.0))
        while await in_flight() != 1:
            assert not first.done(), first.result()
        began = time.monotonic()
        waiting = await platform.client.get("/")
        assert waiting.status_code == 429
        assert waiting.json()["error"]["code"] == "no_instance"
        assert 0.2 <= time.monotonic() - began < 1.9
        assert await first == 200
        assert (await platform.client.get("/")).status_code == 200
        assert (await platform.report())["counters"]["too_many"] == refused_at_start + 1


async def test_placement_spreads_round_robin_by_default(host: Host) -> None:
    async with front(host, RevisionSettings(min_instances=2)) as platform:
        ids = [(await platform.client.get("/")).json()["instance_id"] for _ in range(4)]
        assert ids == ["backend-1", "backend-2"] * 2


async def test_placement_of_ones_own_by_import_string(host: Host) -> None:
    settings = RevisionSettings(min_instances=2, placement=f"{APPS}:FirstById")
    async with front(host, settings) as platform:
        ids = {(await platform.client.get("/")).json()["instance_id"] for _ in range(4)}
        assert ids == {"backend-1"}


async def test_session_affinity_keeps_a_client_on_its_instance(host: Host) -> None:
    settings = RevisionSettings(min_instances=2, session_affinity=True)
    async with front(host, settings) as platform:
        ids = {(await platform.client.get("/")).json()["instance_id"] for _ in range(4)}
        assert ids == {"backend-1"}
        async with websockets.connect(
            platform.websocket_url,
            additional_headers={"Cookie": "GAESA=backend-2"},
        ) as connection:
            assert connection.response is not None
            assert connection.response.headers["x-instance"] == "backend-2"
        await platform.control("PUT", "/internal/instances/backend-1", {"action": "kill"})
        assert (await platform.client.get("/")).json()["instance_id"] == "backend-2"


async def test_session_affinity_cookie_lives_for_30_days(host: Host) -> None:
    settings = RevisionSettings(min_instances=1, session_affinity=True)
    async with front(host, settings) as platform:
        first, second = [await platform.client.get("/") for _ in range(2)]
        assert first.headers["set-cookie"] == ("GAESA=backend-1; Path=/; Max-Age=2592000; HttpOnly")
        assert "set-cookie" not in second.headers


async def test_bad_response_when_an_instance_breaks_the_connection(host: Host) -> None:
    async with front(host, RevisionSettings()) as platform:
        await platform.client.get("/")
        asking = asyncio.ensure_future(platform.client.get("/slow", params={"s": 5}))
        while (await platform.report())["instances"][0]["in_flight"] != 1:
            pass
        await platform.control("PUT", "/internal/instances/backend-1", {"action": "kill"})
        reply = await asking
        assert reply.status_code == 503
        assert reply.json()["error"]["code"] == "instance_failed"
        assert (await platform.client.get("/")).json()["instance_id"] == "backend-2"


async def test_failed_start_answers_503(host: Host) -> None:
    template = service(entry=f"{APPS}:fails_in_lifespan")
    async with front(host, RevisionSettings(), template=template) as platform:
        assert (await platform.client.get("/")).status_code == 503
        [instance] = (await platform.report())["instances"]
        assert instance["state"] == "gone"
        assert "did not start" in instance["ended"]


async def test_startup_probe_http_holds_requests_until_the_instance_is_ready(host: Host) -> None:
    settings = RevisionSettings(max_instances=1, startup_probe=HttpProbe("/ready"))
    template = service(config={"ready_on_request": True})
    async with front(host, settings, template=template) as platform:
        asking = asyncio.ensure_future(platform.client.get("/"))
        while True:
            [*instances] = (await platform.report())["instances"]
            if instances and instances[0]["url"]:
                break
        assert not (await asyncio.wait({asking}, timeout=0.2))[0]
        instance = instances[0]
        assert instance["state"] == "starting"
        async with asyncio.timeout(5):
            await become_ready(platform, instance["url"])
            assert (await asking).status_code == 200


async def become_ready(platform: Front, url: str) -> None:
    reply = await platform.client.get(f"{url}/become-ready")
    assert reply.status_code == 200


async def test_startup_probe_tcp_lets_requests_in_as_soon_as_the_port_listens(host: Host) -> None:
    template = service(config={"ready_on_request": True, "start_takes_s": 0.2})
    async with front(host, RevisionSettings(), template=template) as platform:
        began = time.monotonic()
        assert (await platform.client.get("/ready")).status_code == 503
        assert time.monotonic() - began >= 0.2
