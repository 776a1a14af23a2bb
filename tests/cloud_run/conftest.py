"""Hosts, ingresses and clients for the tests of `cloud_run`."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from gp_helpers.cloud_run import (
    SECRET_HEADER,
    Host,
    Isolation,
    RevisionSettings,
    RunningService,
    ServiceSpec,
    close_service_thread,
    close_zygote,
    ingress_spec,
    open_host,
)

APPS = "tests.cloud_run.apps"
SECRET = "known-to-the-test"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=list(Isolation), ids=lambda isolation: isolation.value)
def isolation(request: pytest.FixtureRequest) -> Isolation:
    chosen: Isolation = request.param
    return chosen


@pytest.fixture(scope="package", autouse=True)
def owners_closed() -> Iterator[None]:
    yield
    close_zygote()
    close_service_thread()


def service(name: str = "backend", **options: Any) -> ServiceSpec:
    """A service of the tests' application; `options` are its specification's."""
    return ServiceSpec(name=name, entry=options.pop("entry", f"{APPS}:build"), **options)


def is_alive(pid: int) -> bool:
    """Whether a process exists and is not a zombie."""
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
    return state != "Z"


def children_of(parent: int) -> set[int]:
    """The living processes whose parent is `parent`."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state, parent_pid = (entry / "stat").read_text().rpartition(")")[2].split()[0:2]
            except OSError:
                continue
            if int(parent_pid) == parent and state != "Z":
                found.add(int(entry.name))
    return found


@dataclass
class Front:
    """An ingress with a client."""

    ingress: RunningService
    client: httpx.AsyncClient

    @property
    def websocket_url(self) -> str:
        return self.ingress.url.replace("http", "ws") + "/ws"

    async def report(self) -> dict[str, Any]:
        reply = await self.client.get("/internal/ingress", headers={SECRET_HEADER: SECRET})
        reply.raise_for_status()
        report: dict[str, Any] = reply.json()
        return report

    async def control(self, method: str, path: str, body: Any = None) -> httpx.Response:
        headers = {SECRET_HEADER: SECRET}
        return await self.client.request(method, path, json=body, headers=headers)


@asynccontextmanager
async def front(host: Host, settings: RevisionSettings, **options: Any) -> AsyncIterator[Front]:
    """Start an ingress in front of the tests' application on `host`."""
    template = options.pop("template", service())
    ingress = await host.start(
        ingress_spec(settings=settings, secret=SECRET, template=template, **options)
    )
    async with httpx.AsyncClient(base_url=ingress.url, timeout=20, verify=False) as client:
        yield Front(ingress, client)


@pytest.fixture
async def host(isolation: Isolation, tmp_path: Path) -> AsyncIterator[Host]:
    async with open_host(isolation, logs=tmp_path / "logs", preload=(APPS,), grace_s=2) as opened:
        yield opened
