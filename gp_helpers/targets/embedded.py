"""Opens the embedded platform: store, auth services, model server, backends, ingress, and proxies.

Everything that it starts belongs to one context and ends with it. Every hop's address is injected,
so that a fault proxy can stand at any of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from gp_helpers.cloud_run import (
    ExistingInstance,
    Host,
    HttpProbe,
    Isolation,
    RevisionSettings,
    RunningService,
    ServiceSpec,
    TcpProbe,
    ingress_spec,
    open_host,
)
from gp_helpers.faults import HttpFault, TcpProxy
from gp_helpers.parameters.schema import EmbeddedTarget
from gp_helpers.platform.settings import StoreSettings
from gp_helpers.platform.wiring import Wiring
from gp_helpers.targets.between import put_between
from gp_helpers.targets.control_client import ControlClient
from gp_helpers.targets.embedded_controls import EmbeddedControls
from gp_helpers.targets.embedded_description import SERVICE_ID, embedded_description
from gp_helpers.targets.opening import PRELOAD
from gp_helpers.targets.running import Arrangement, Hop, RunningTarget, TargetKind
from gp_helpers.targets.temporary import temporary_folder

_SERVICES = "gp_helpers.platform.services"
_BACKEND_SERVICE_ID = "backend"
_CHEAP_PASSWORDS = {"time_cost": 1, "memory_cost_kib": 64, "parallelism": 1}
"""argon2's cost in trials; at its defaults a journey takes ten times as long."""


@dataclass
class _Secrets:
    """Random for each platform; they live as long as it does."""

    jwt: str
    diagnostics: str
    probe_service: str
    backend_service: str


@dataclass
class _Platform:
    """A platform while it is put together."""

    host: Host
    stack: AsyncExitStack
    arrangement: Arrangement
    defects: list[str]
    secrets: _Secrets
    store: StoreSettings
    time_scale: float
    tcp_proxies: dict[Hop, TcpProxy] = field(default_factory=dict)
    http_faults: dict[Hop, HttpFault] = field(default_factory=dict)

    def spec(self, name: str, entry: str, settings: Mapping[str, Any]) -> ServiceSpec:
        return ServiceSpec(
            name=name,
            entry=f"{_SERVICES}:{entry}",
            config={
                "settings": {
                    "instance_id": name,
                    "diagnostics_secret": self.secrets.diagnostics,
                    **settings,
                },
                "defects": self.defects,
            },
            startup_probe=HttpProbe("/health/ready"),
            reuses_process=True,
        )

    def auth_spec(self, number: int) -> ServiceSpec:
        name = "auth" if self.arrangement.auth_services == 1 else f"auth-{number}"
        return self.spec(
            name,
            "build_auth",
            {
                "store": self.store.model_dump(),
                # Not by the lab: its kernels then need not import the store.
                "creates_store": number == 1,
                "jwt_secret": self.secrets.jwt,
                "passwords": _CHEAP_PASSWORDS,
                "service_credentials": {
                    SERVICE_ID: self.secrets.probe_service,
                    _BACKEND_SERVICE_ID: self.secrets.backend_service,
                },
                **self.arrangement.auth,
            },
        )

    def model_spec(self) -> ServiceSpec:
        return self.spec("model", "build_model", {})

    def backend_spec(self, name: str, auth_url: str, model_url: str) -> ServiceSpec:
        return self.spec(
            name,
            "build_backend",
            {
                "store": self.store.model_dump(),
                "auth_url": auth_url,
                "service_id": _BACKEND_SERVICE_ID,
                "service_secret": self.secrets.backend_service,
                "model_url": f"{model_url}/v1",
                **_real_model(),
                **self.arrangement.backend,
                "gateway": dict(self.arrangement.gateway),
            },
        )

    async def behind_faults(self, hop: Hop, url: str) -> str:
        """The address to inject for a hop: a proxy's where one is asked for, else the service's."""
        if hop not in self.arrangement.proxied:
            return url
        target = httpx.URL(url)
        assert target.port is not None
        fault = await self.stack.enter_async_context(HttpFault(target.host, target.port))
        proxy = await self.stack.enter_async_context(TcpProxy("127.0.0.1", fault.port))
        self.http_faults[hop], self.tcp_proxies[hop] = fault, proxy
        return f"http://127.0.0.1:{proxy.port}"


def _real_model() -> dict[str, str]:
    """A real model in place of the embedded one: MODEL_BASE_URL and MODEL_API_KEY."""
    found = {}
    if os.environ.get("MODEL_BASE_URL"):
        found["model_url"] = os.environ["MODEL_BASE_URL"]
    if os.environ.get("MODEL_API_KEY"):
        found["model_api_key"] = os.environ["MODEL_API_KEY"]
    return found


@asynccontextmanager
async def _store(arrangement: Arrangement) -> AsyncIterator[StoreSettings]:
    """A place for a store: a temporary folder for SQLite, or a schema's name by DATABASE_URL."""
    stated = os.environ.get("DATABASE_URL")
    with temporary_folder() as folder:
        settings = StoreSettings(
            url=stated or f"sqlite:///{folder}/platform.db",
            schema_name=f"golden_path_{uuid.uuid4().hex[:16]}" if stated else None,
            busy_timeout_s=arrangement.busy_timeout_s,
            synchronous="OFF",
        )
        if not stated:
            yield settings
            return
        try:
            yield settings
        except BaseException:
            # What is told is why the platform ended, not that its store is not to be had either.
            with contextlib.suppress(Exception):
                await asyncio.to_thread(_drop, settings)
            raise
        await asyncio.to_thread(_drop, settings)


def _drop(settings: StoreSettings) -> None:
    from gp_helpers.platform.store.engine import drop_store

    drop_store(settings)


@asynccontextmanager
async def open_embedded(
    target: EmbeddedTarget,
    *,
    defects: frozenset[str],
    arrangement: Arrangement,
    folder: Path,
) -> AsyncIterator[RunningTarget]:
    """Start the embedded platform with these defects; it ends with the context.

    ``folder`` takes the services' logs.
    """
    source = random.SystemRandom()
    secrets = _Secrets(*(f"{source.getrandbits(192):048x}" for _ in range(4)))
    isolation = Isolation(target.isolation.value)
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(_store(arrangement))
        host = await stack.enter_async_context(
            open_host(isolation, logs=folder, preload=PRELOAD, grace_s=0.5)
        )
        platform = _Platform(
            host, stack, arrangement, sorted(defects), secrets, store, target.time_scale
        )
        running = await _start(platform)
        client = await stack.enter_async_context(ControlClient(secrets.diagnostics))
        yield await running.as_target(client, defects)


@dataclass
class _Running:
    """A platform that is up."""

    platform: _Platform
    auths: list[RunningService]
    model: RunningService
    backends: dict[str, RunningService]
    backend_specs: dict[str, ServiceSpec]
    ingress: RunningService
    ingress_url: str

    async def as_target(self, client: ControlClient, defects: frozenset[str]) -> RunningTarget:
        description = embedded_description(
            auth_urls={service.name: service.url for service in self.auths},
            backend_urls={name: service.url for name, service in self.backends.items()},
            ingress=self.ingress_url,
            model=self.model.url,
            service_secret=self.platform.secrets.probe_service,
        )
        is_framed = self.platform.arrangement.framed
        frames = None if is_framed else frozenset[str]()
        between = await put_between(self.platform.stack, description, frames=frames)
        controls = EmbeddedControls(
            client=client,
            host=self.platform.host,
            jwt_secret=self.platform.secrets.jwt,
            store=self.platform.store,
            auths={service.name: service for service in self.auths},
            model=self.model,
            backends=self.backends,
            backend_specs=self.backend_specs,
            ingress=self.ingress,
            ingress_starts_instances=self.platform.arrangement.cold,
            tcp_proxies=self.platform.tcp_proxies,
            http_faults=self.platform.http_faults,
            frames=between.frames,
        )
        return RunningTarget(
            name="embedded " + (", ".join(sorted(defects)) if defects else "remediated"),
            kind=TargetKind.EMBEDDED,
            description=description,
            lacking={},
            controls=controls,
            limits=None,
            socket_via=between.detour,
            ended_unasked=controls.ended_unasked,
            is_cut_off=self.platform.host.is_cut_off,
        )


async def _start(platform: _Platform) -> _Running:
    host, arrangement = platform.host, platform.arrangement
    first, model = await asyncio.gather(
        host.start(platform.auth_spec(1)), host.start(platform.model_spec())
    )
    others = range(2, arrangement.auth_services + 1)
    auths = [
        first,
        *await asyncio.gather(*(host.start(platform.auth_spec(number)) for number in others)),
    ]
    auth_urls = [await platform.behind_faults(Hop.BACKEND_AUTH, auths[0].url)]
    auth_urls += [service.url for service in auths[1:]]
    model_url = await platform.behind_faults(Hop.BACKEND_MODEL, model.url)
    wiring = Wiring(platform.defects)
    probe = wiring.component("startup_probe")().to_json()
    startup_probe = HttpProbe(probe["path"]) if probe["type"] == "http" else TcpProbe()
    template = platform.backend_spec("backend", auth_urls[0], model_url)
    backends: dict[str, RunningService] = {}
    specs: list[ServiceSpec] = []
    if not arrangement.cold:
        specs = [
            platform.backend_spec(
                f"backend-{number}", auth_urls[(number - 1) % len(auth_urls)], model_url
            )
            for number in range(1, arrangement.backends + 1)
        ]
        started = await asyncio.gather(*(host.start(spec) for spec in specs))
        backends = {service.name: service for service in started}
    settings = {
        "max_instances": max(arrangement.backends, 1) if not arrangement.cold else 1,
        "concurrency": 1000,
        "placement": wiring.component("connection_placement")().policy,
        "time_scale": platform.time_scale,
        **arrangement.ingress,
    }
    ingress = await host.start(
        ingress_spec(
            settings=RevisionSettings(startup_probe=startup_probe, **settings),
            secret=platform.secrets.diagnostics,
            template=template if arrangement.cold else None,
            existing=[ExistingInstance(name, one.url) for name, one in backends.items()],
        )
    )
    ingress_url = await platform.behind_faults(Hop.CLIENT_INGRESS, ingress.url)
    return _Running(
        platform, auths, model, backends, {spec.name: spec for spec in specs}, ingress, ingress_url
    )
