"""Conformance of the ingress to the rules about instances, and control over them."""

from __future__ import annotations

import asyncio
import time

import httpx
import pytest
import websockets

from gp_helpers.cloud_run import (
    ExistingInstance,
    Host,
    Isolation,
    RevisionSettings,
    ServiceStartError,
    ingress_spec,
)
from tests.cloud_run.conftest import APPS, SECRET, Front, front, service

pytestmark = pytest.mark.anyio


async def states(platform: Front) -> dict[str, str]:
    return {one["id"]: one["state"] for one in (await platform.report())["instances"]}


async def until_gone(platform: Front, instance_id: str) -> float:
    """Wait until the instance has ended; return how long that took."""
    began = time.monotonic()
    while (await states(platform))[instance_id] != "gone":
        assert time.monotonic() - began < 5
    return time.monotonic() - began


async def test_scale_from_zero_starts_one_instance_for_simultaneous_requests(host: Host) -> None:
    template = service(config={"start_takes_s": 0.2})
    async with front(host, RevisionSettings(), template=template) as platform:
        assert await states(platform) == {}
        replies = await asyncio.gather(*(platform.client.get("/") for _ in range(5)))
        assert {one.json()["instance_id"] for one in replies} == {"backend-1"}
        [instance] = (await platform.report())["instances"]
        assert 0.2 <= instance["ready_at"] - instance["started_at"] < 2
        assert instance["is_cold_started"] is True
        assert instance["requests_total"] == 5


async def test_idle_instances_go_and_the_next_request_starts_cold(host: Host) -> None:
    async with front(host, RevisionSettings(idle_instance_s=0.2)) as platform:
        await platform.client.get("/")
        assert await until_gone(platform, "backend-1") < 2
        assert (await platform.client.get("/")).json()["instance_id"] == "backend-2"


async def test_idle_instances_stay_while_they_have_a_websocket(host: Host) -> None:
    async with front(host, RevisionSettings(idle_instance_s=0.1)) as platform:
        async with websockets.connect(platform.websocket_url):
            await asyncio.sleep(0.3)
            assert await states(platform) == {"backend-1": "serving"}
        await until_gone(platform, "backend-1")


async def test_shutdown_gives_the_grace_period_and_then_kills(host: Host) -> None:
    settings = RevisionSettings(min_instances=1, shutdown_grace_s=0.3)
    template = service(config={"stop_takes_s": 60})
    async with front(host, settings, template=template) as platform:
        path = "/internal/instances/backend-1"
        assert (await platform.control("PUT", path, {"action": "terminate"})).status_code == 200
        assert (await states(platform))["backend-1"] == "draining"
        assert 0.2 < await until_gone(platform, "backend-1") < 2
        [instance] = (await platform.report())["instances"]
        assert instance["ended"] == "killed by SIGKILL"


async def test_shutdown_lets_an_instance_end_cleanly(host: Host) -> None:
    async with front(host, RevisionSettings(min_instances=1)) as platform:
        async with websockets.connect(platform.websocket_url) as connection:
            path = "/internal/instances/backend-1"
            await platform.control("PUT", path, {"action": "terminate"})
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await connection.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1012
        await until_gone(platform, "backend-1")
        [instance] = (await platform.report())["instances"]
        assert instance["ended"] == "exit code 0"


async def test_minimum_instances_are_ready_when_the_ingress_has_started(host: Host) -> None:
    template = service(config={"start_takes_s": 0.1})
    settings = RevisionSettings(min_instances=2)
    async with front(host, settings, template=template) as platform:
        assert await states(platform) == {"backend-1": "serving", "backend-2": "serving"}


async def test_an_ingress_whose_minimum_does_not_start_does_not_start(host: Host) -> None:
    spec = ingress_spec(
        settings=RevisionSettings(min_instances=1),
        secret=SECRET,
        template=service(entry=f"{APPS}:fails_in_lifespan"),
    )
    with pytest.raises(ServiceStartError, match="'backend-1' did not start"):
        await host.start(spec)


async def test_an_instance_can_be_started_cold_on_request(host: Host) -> None:
    async with front(host, RevisionSettings(max_instances=1)) as platform:
        started = await platform.control("POST", "/internal/instances")
        assert (started.status_code, started.json()["id"]) == (202, "backend-1")
        assert (await platform.client.get("/")).json()["instance_id"] == "backend-1"


async def test_existing_instances_serve_beside_the_ingresss_own(host: Host) -> None:
    existing = await host.start(service("elsewhere", config={"instance_id": "elsewhere"}))
    async with front(
        host, RevisionSettings(), existing=[ExistingInstance("elsewhere", existing.url)]
    ) as platform:
        assert (await platform.client.get("/")).json()["instance_id"] == "elsewhere"
        path = "/internal/instances/elsewhere"
        assert (await platform.control("PUT", path, {"action": "kill"})).status_code == 409
        assert (await platform.control("PUT", path, {"action": "forget"})).status_code == 200
        assert (await platform.client.get("/")).json()["instance_id"] == "backend-1"
        body = {"id": "again", "url": existing.url}
        assert (await platform.control("POST", "/internal/instances", body)).status_code == 201
        ids = [(await platform.client.get("/")).json()["instance_id"] for _ in range(4)]
        assert sorted(set(ids)) == ["backend-1", "elsewhere"]


async def test_freezing_an_instance_is_for_processes(host: Host) -> None:
    async with front(host, RevisionSettings(min_instances=1)) as platform:
        path = "/internal/instances/backend-1"
        reply = await platform.control("PUT", path, {"action": "freeze"})
        if host.isolation is Isolation.THREAD:
            assert reply.status_code == 409
            assert "not possible in thread isolation" in reply.json()["error"]["message"]
            return
        assert reply.json()["is_frozen"] is True
        asking = asyncio.ensure_future(platform.client.get("/"))
        assert not (await asyncio.wait({asking}, timeout=0.2))[0]
        await platform.control("PUT", path, {"action": "resume"})
        assert (await asking).status_code == 200


async def test_settings_can_be_changed_while_it_runs(host: Host) -> None:
    async with front(host, RevisionSettings()) as platform:
        changed = await platform.control("PUT", "/internal/ingress", {"request_timeout_s": 0.1})
        assert changed.json()["request_timeout_s"] == 0.1
        assert (await platform.client.get("/slow?s=1")).status_code == 504
        refused = await platform.control("PUT", "/internal/ingress", {"concurrency": 5000})
        assert refused.status_code == 422
        assert "concurrency must be from 1 to 1000" in refused.json()["error"]["message"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", "/internal/instances/nobody", {"action": "kill"}, 404),
        ("PUT", "/internal/instances/backend-1", {"action": "explode"}, 422),
        ("POST", "/internal/instances", {"id": "x"}, 422),
        ("POST", "/internal/instances", {"id": "x", "url": "nowhere"}, 422),
        ("DELETE", "/internal/ingress", None, 405),
    ],
)
async def test_bad_control_requests_are_told_so(
    host: Host, method: str, path: str, body: object, status: int
) -> None:
    async with front(host, RevisionSettings(min_instances=1)) as platform:
        reply = await platform.control(method, path, body)
        assert reply.status_code == status
        assert reply.json()["error"]["message"]
        assert (await platform.client.get("/")).status_code == 200


@pytest.mark.parametrize("headers", [{}, {"X-Golden-Path-Secret": "guessed"}])
async def test_control_wants_the_secret(host: Host, headers: dict[str, str]) -> None:
    async with front(host, RevisionSettings()) as platform:
        for method, path in (("GET", "/internal/ingress"), ("POST", "/internal/instances")):
            reply = await platform.client.request(method, path, headers=headers)
            assert reply.status_code == 403
        assert await states(platform) == {}


async def test_a_killed_ingress_ends_with_its_instances(host: Host) -> None:
    async with front(host, RevisionSettings(min_instances=1)) as platform:
        [instance] = (await platform.report())["instances"]
        await platform.client.get(instance["url"])
        await platform.ingress.kill()
        assert await until_refused(instance["url"]) < 5


async def until_refused(url: str) -> float:
    """Wait until nobody listens at `url`; return how long that took."""
    began = time.monotonic()
    async with httpx.AsyncClient(verify=False) as client:
        while time.monotonic() - began < 5:
            try:
                await client.get(url)
            except httpx.TransportError:
                break
    return time.monotonic() - began
