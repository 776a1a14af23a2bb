"""What can be done to the embedded platform beside talking to it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from typing import Any

from gp_helpers.cloud_run import Host, RunningService, ServiceSpec
from gp_helpers.faults import FrameProxy, HeldLock, HttpFault, TcpProxy, held_write_lock
from gp_helpers.platform.settings import StoreSettings
from gp_helpers.targets.control_client import ControlClient
from gp_helpers.targets.running import Ability, Hop, Unavailable

_RESTART_GRACE_S = 0.5
"""What a restarted instance gets to end by itself; nothing is under way when it is asked to."""


@dataclass
class EmbeddedControls:
    """Diagnostics, clocks, faults and instances of a running embedded platform."""

    client: ControlClient
    host: Host
    jwt_secret: str
    store: StoreSettings
    auths: dict[str, RunningService]
    model: RunningService
    backends: dict[str, RunningService]
    backend_specs: Mapping[str, ServiceSpec]
    ingress: RunningService
    ingress_starts_instances: bool
    tcp_proxies: dict[Hop, TcpProxy]
    http_faults: dict[Hop, HttpFault]
    frames: FrameProxy | None = None
    _started_by_ingress: dict[str, str] = field(default_factory=dict)
    _asked_to_end: set[str] = field(default_factory=set)

    def services(self) -> Mapping[str, str]:
        """Service names to base URLs."""
        running = [*self.auths.values(), self.model, *self.backends.values(), self.ingress]
        return {service.name: service.url for service in running} | self._started_by_ingress

    def ended_unasked(self) -> list[str]:
        """Services that ended although no case asked them to."""
        all_of_them = [*self.auths.values(), self.model, *self.backends.values(), self.ingress]
        return [
            f"{service.name} ({service.exit_status})"
            for service in all_of_them
            if service.exit_status is not None and service.name not in self._asked_to_end
        ]

    async def instances(self) -> Mapping[str, str]:
        """Backend instances that serve now, those that the ingress started included."""
        if self.ingress_starts_instances:
            report = await self.state(self.ingress.name)
            self._started_by_ingress = {
                one["id"]: one["url"]
                for one in report["instances"]
                if one["is_cold_started"] and one["url"] and one["state"] == "serving"
            }
        alive = {
            name: service.url
            for name, service in self.backends.items()
            if service.exit_status is None
        }
        return alive | self._started_by_ingress

    async def state(self, service: str) -> Mapping[str, Any]:
        """A reading of a service's diagnostics."""
        path = "/internal/ingress" if service == self.ingress.name else "/internal/state"
        return await self._ask("GET", service, path)

    async def factories(self, service: str) -> Mapping[str, Any]:
        """Rows of factories held against the contract, and the object graph of each session."""
        return await self._ask("GET", service, "/internal/factories")

    async def routes(
        self, service: str, messages: Sequence[Mapping[str, Any]]
    ) -> Sequence[Mapping[str, Any]]:
        """What each router of a backend would decide about each of many messages."""
        body = {"messages": [dict(message) for message in messages]}
        answer = await self._ask("POST", service, "/internal/route", body)
        decisions: Sequence[Mapping[str, Any]] = answer["decisions"]
        return decisions

    async def set_clock(self, offset_s: float, *services: str) -> None:
        """Set the clock offset of services; of all but the ingress if none is named."""
        names = services or (*self.auths, self.model.name, *self.backends)
        await asyncio.gather(
            *(self._ask("PUT", name, "/internal/clock", {"offset_s": offset_s}) for name in names)
        )

    def bad_tokens(self, token: str) -> Mapping[str, str]:
        """Variants of a good token by what is wrong with each."""
        from gp_helpers.platform.auth.tokens import bad_tokens

        return bad_tokens(token, self.jwt_secret)

    def tcp_proxy(self, hop: Hop) -> TcpProxy:
        """The TCP proxy at a hop."""
        return self.tcp_proxies[hop]

    def http_fault(self, hop: Hop) -> HttpFault:
        """The HTTP fault at a hop."""
        return self.http_faults[hop]

    def frame_proxy(self) -> FrameProxy:
        """The proxy in front of the socket; `Unavailable` if the case has not asked for it."""
        if self.frames is None:
            raise Unavailable(Ability.CLIENT_FRAMES, "the case's arrangement does not ask for it")
        return self.frames

    def hold_write_lock(self) -> AbstractAsyncContextManager[HeldLock]:
        """Hold the store's write lock for as long as the context is open."""
        return held_write_lock(_url_with_schema(self.store))

    async def start_instance(self) -> str:
        """Start another backend instance cold, without waiting for it; returns its name."""
        answer = await self._ask("POST", self.ingress.name, "/internal/instances")
        return str(answer["id"])

    async def stop_instance(self, name: str, *, kill: bool = False) -> None:
        """Stop a backend instance (SIGTERM, then SIGKILL), or kill it at once."""
        service = self._backend(name)
        self._asked_to_end.add(name)
        await (service.kill() if kill else service.stop(0.5))

    async def restart_instance(self, name: str) -> None:
        """Stop a backend instance and start it again at the same address, its memory gone."""
        service = self._backend(name)
        self._asked_to_end.add(name)
        await service.stop(_RESTART_GRACE_S)
        spec = replace(self.backend_specs[name], port=service.port)
        self.backends[name] = await self.host.start(spec)
        self._asked_to_end.discard(name)

    def _backend(self, name: str) -> RunningService:
        if name not in self.backends:
            raise Unavailable(Ability.INSTANCES, f"{name} was started by the ingress")
        return self.backends[name]

    async def _ask(
        self, method: str, service: str, path: str, body: object = None
    ) -> Mapping[str, Any]:
        return await self.client.ask(method, f"{self.services()[service]}{path}", body)


def _url_with_schema(store: StoreSettings) -> str:
    if store.schema_name is None:
        return store.url
    from sqlalchemy.engine import make_url

    url = make_url(store.url).update_query_dict({"options": f"-csearch_path={store.schema_name}"})
    return url.render_as_string(hide_password=False)
