"""A service that is started again at its port, although connections to the old one were open."""

from __future__ import annotations

import httpx
import pytest

from gp_helpers.cloud_run import Host, Isolation
from gp_helpers.cloud_run.sockets import bound_socket
from tests.cloud_run.conftest import service

pytestmark = pytest.mark.anyio


async def test_the_port_of_a_service_that_had_connections_can_be_had_again(
    host: Host, isolation: Isolation
) -> None:
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        first = await host.start(service())
        before = (await client.get(f"{first.url}/")).json()
        await first.stop(0.5)
        second = await host.start(service(port=first.port))
        assert second.url == first.url
        after = (await client.get(f"{second.url}/")).json()
    if isolation is Isolation.PROCESS:
        assert after["pid"] != before["pid"]


def test_ports_that_the_kernel_chooses_are_ones_own_alone() -> None:
    sockets = [bound_socket() for _ in range(200)]
    try:
        assert len({one.getsockname()[1] for one in sockets}) == len(sockets)
    finally:
        for one in sockets:
            one.close()
