"""Opens somebody's own ASGI applications: started as services, the backend behind the ingress.

``{NAME.url}`` in an application's environment is the address of another one. Where the backend
refers to the applications ``auth`` and ``model``, a fault proxy can stand at that hop.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
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
from gp_helpers.parameters import ParameterError
from gp_helpers.parameters.schema import AsgiApplication, AsgiTarget
from gp_helpers.parameters.templates import fill_known
from gp_helpers.targets.accounts import stated_accounts
from gp_helpers.targets.asgi_controls import AsgiControls, start_application
from gp_helpers.targets.between import put_between
from gp_helpers.targets.control_client import ControlClient
from gp_helpers.targets.opening import preloaded_for
from gp_helpers.targets.running import Ability, Arrangement, Hop, RunningTarget, TargetKind

_ENTRY = "gp_helpers.cloud_run.imported:build_imported"
_ADDRESS = re.compile(r"\{([a-z_][a-z0-9_]*)\.(?:url|ws_url)\}")
_HOPS = {"auth": Hop.BACKEND_AUTH, "model": Hop.BACKEND_MODEL}
_ABILITIES = {Hop.BACKEND_AUTH: Ability.AUTH_HOP, Hop.BACKEND_MODEL: Ability.MODEL_HOP}


def lacking(target: AsgiTarget) -> dict[Ability, str]:
    """The abilities that a target of this kind does not have, each with the reason."""
    found = {
        Ability.DIAGNOSTICS: "your applications do not tell us what they have in flight",
        Ability.CLOCK: "the clocks of your applications cannot be stepped from outside",
    }
    referred = _referred(target.applications[target.backend])
    for name, hop in _HOPS.items():
        if name not in referred:
            found[_ABILITIES[hop]] = (
                f"applications.{target.backend}.environment does not refer to {{{name}.url}}"
            )
    if target.store is None:
        found[Ability.STORE_LOCK] = "the target does not state store"
    if not target.routers or not target.agents:
        found[Ability.ROUTES] = "the target does not state routers and agents"
    if not target.factories:
        found[Ability.FACTORIES] = "the target does not state factories"
    return found


def _referred(application: AsgiApplication) -> set[str]:
    return {name for value in application.environment.values() for name in _ADDRESS.findall(value)}


@dataclass
class _Opening:
    """Applications while they are started."""

    target: AsgiTarget
    arrangement: Arrangement
    host: Host
    stack: AsyncExitStack
    services: dict[str, RunningService] = field(default_factory=dict)
    tcp_proxies: dict[Hop, TcpProxy] = field(default_factory=dict)
    http_faults: dict[Hop, HttpFault] = field(default_factory=dict)

    def spec(
        self, name: str, application: AsgiApplication, known: Mapping[str, str]
    ) -> ServiceSpec:
        ready = application.ready_path
        return ServiceSpec(
            name=name,
            entry=_ENTRY,
            config={
                "app": application.app,
                "factory": application.factory,
                "path": [str(Path(folder).resolve()) for folder in self.target.path],
            },
            environment=fill_known(application.environment, known),
            startup_probe=HttpProbe(ready) if ready is not None else TcpProbe(),
            start_timeout_s=application.start_timeout_s,
        )

    async def start_the_others(self) -> None:
        """Start every application but the backend, each after those that it refers to."""
        waiting = {n: a for n, a in self.target.applications.items() if n != self.target.backend}
        while waiting:
            ready = [n for n, a in waiting.items() if _referred(a) <= self.services.keys()]
            if not ready:
                names = ", ".join(waiting)
                problem = f"{names} refer to each other, to the backend or to what is not there"
                raise ParameterError("target.applications", [problem])
            specs = [self.spec(name, waiting.pop(name), self.addresses()) for name in ready]
            self.services |= await self.start_together(specs)

    async def start_together(self, specs: Iterable[ServiceSpec]) -> dict[str, RunningService]:
        """Start applications side by side; raises the first error when all have ended."""
        starting = (start_application(self.host, spec) for spec in specs)
        found = await asyncio.gather(*starting, return_exceptions=True)
        started = []
        for one in found:
            if isinstance(one, BaseException):
                raise one
            started.append(one)
        return {service.name: service for service in started}

    def addresses(self) -> dict[str, str]:
        """What placeholders stand for, so far."""
        found: dict[str, str] = {}
        for name, service in self.services.items():
            found |= _addresses(name, service.url)
        return found

    async def behind_faults(self, hop: Hop, url: str) -> str:
        """The address to inject for a hop: a proxy's where one is asked for, else the service's."""
        if hop not in self.arrangement.proxied:
            return url
        address = httpx.URL(url)
        assert address.port is not None
        fault = await self.stack.enter_async_context(HttpFault(address.host, address.port))
        proxy = await self.stack.enter_async_context(TcpProxy("127.0.0.1", fault.port))
        self.http_faults[hop], self.tcp_proxies[hop] = fault, proxy
        return f"http://127.0.0.1:{proxy.port}"

    async def backend_spec(self) -> ServiceSpec:
        """The backend, told of the others by addresses at which faults can stand."""
        application = self.target.applications[self.target.backend]
        known = self.addresses()
        for name, hop in _HOPS.items():
            if name in _referred(application) and name in self.services:
                url = await self.behind_faults(hop, self.services[name].url)
                known |= _addresses(name, url)
        missing = _referred(application) - self.services.keys()
        if missing:
            where = f"target.applications.{self.target.backend}.environment"
            raise ParameterError(where, [f"refers to {', '.join(missing)}, which is not there"])
        return self.spec(self.target.backend, application, known)


def _addresses(name: str, url: str) -> dict[str, str]:
    return {f"{name}.url": url, f"{name}.ws_url": f"ws{url.removeprefix('http')}"}


@asynccontextmanager
async def open_asgi(
    target: AsgiTarget, *, arrangement: Arrangement, folder: Path
) -> AsyncIterator[RunningTarget]:
    """Start the applications for one trial; they end with the context.

    Raises `NotStartedError` if one does not start, `ParameterError` if they cannot be told of each
    other, `CloudRunError` if what hosts them breaks.
    """
    secret = secrets.token_hex(24)
    async with AsyncExitStack() as stack:
        isolation = Isolation(target.isolation.value)
        host = await stack.enter_async_context(
            open_host(isolation, logs=folder, preload=preloaded_for(target), grace_s=0.5)
        )
        opening = _Opening(target, arrangement, host, stack)
        await opening.start_the_others()
        template = await opening.backend_spec()
        count = 0 if arrangement.cold else arrangement.backends
        backends = await opening.start_together(
            replace(template, name=f"{target.backend}-{number}") for number in range(1, count + 1)
        )
        ingress = await host.start(
            ingress_spec(
                settings=_settings(arrangement, template),
                secret=secret,
                template=template if arrangement.cold else None,
                existing=[ExistingInstance(name, one.url) for name, one in backends.items()],
            )
        )
        public = await opening.behind_faults(Hop.CLIENT_INGRESS, ingress.url)
        known = opening.addresses() | _addresses(target.backend, public)
        reasons = lacking(target)
        several = backends if len(backends) > 1 else {}
        described = _described(target, known, {name: one.url for name, one in several.items()})
        description = AsgiTarget.model_validate(described)
        frames = None if arrangement.framed else frozenset[str]()
        between = await put_between(stack, description, frames=frames)
        controls = AsgiControls(
            target,
            reasons,
            client=await stack.enter_async_context(ControlClient(secret)),
            host=host,
            template=template,
            ingress=ingress,
            ingress_starts_instances=arrangement.cold,
            services=opening.services,
            backends=backends,
            tcp_proxies=opening.tcp_proxies,
            http_faults=opening.http_faults,
            frame_proxy=between.frames,
        )
        yield RunningTarget(
            name=target.name,
            kind=TargetKind.ASGI,
            description=description,
            lacking=reasons,
            controls=controls,
            limits=None,
            accounts=stated_accounts(target.accounts),
            socket_via=between.detour,
            ended_unasked=controls.ended_unasked,
            is_cut_off=host.is_cut_off,
            applications_ended=controls.applications_ended,
        )


def _described(
    target: AsgiTarget, known: Mapping[str, str], instances: Mapping[str, str]
) -> dict[str, Any]:
    """The description with addresses; of several instances, each validates tokens by itself."""
    stated: dict[str, Any] = target.model_dump(mode="json", by_alias=True, exclude_none=True)
    applications = stated.pop("applications")
    validators: dict[str, Any] = {}
    for name, operation in stated["auth"].get("validators", {}).items():
        if instances and f"{{{target.backend}.url}}" in operation["url"]:
            for instance, url in instances.items():
                at_instance = fill_known(operation["url"], _addresses(target.backend, url))
                validators[f"{name} of {instance}"] = {**operation, "url": at_instance}
        else:
            validators[name] = operation
    stated["auth"]["validators"] = validators
    return {**fill_known(stated, known), "applications": applications}


def _settings(arrangement: Arrangement, template: ServiceSpec) -> RevisionSettings:
    return RevisionSettings(
        **{
            "max_instances": 1 if arrangement.cold else arrangement.backends,
            "concurrency": 1000,
            "startup_probe": template.startup_probe or TcpProbe(),
            **arrangement.ingress,
        }
    )
