"""What can be done to the user's own applications, which the workbook has started itself."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from gp_helpers.cloud_run import (
    Host,
    PortTakenError,
    RunningService,
    ServiceSpec,
    ServiceStartError,
)
from gp_helpers.parameters.schema import AsgiTarget
from gp_helpers.targets.control_client import ControlClient, ControlError
from gp_helpers.targets.limited_controls import LimitedControls
from gp_helpers.targets.running import Ability, Hop, NotStartedError, Unavailable
from gp_helpers.targets.user_code import UserCodeError, ask_user_code

if TYPE_CHECKING:
    from gp_helpers.faults import FrameProxy, HeldLock, HttpFault, TcpProxy


_RESTART_GRACE_S = 0.5


async def start_application(host: Host, spec: ServiceSpec) -> RunningService:
    """Start one of the user's applications; raises `NotStartedError` if it does not start.

    A port that somebody else has taken is not its doing.
    """
    try:
        return await host.start(spec)
    except PortTakenError:
        raise
    except ServiceStartError as error:
        raise NotStartedError(spec.name, error.reason, error.log_tail) from error


class AsgiControls(LimitedControls):
    """Instances, hops, routers and factories of somebody's own applications."""

    def __init__(
        self,
        target: AsgiTarget,
        lacking: Mapping[Ability, str],
        *,
        client: ControlClient,
        host: Host,
        template: ServiceSpec,
        ingress: RunningService,
        ingress_starts_instances: bool,
        services: Mapping[str, RunningService],
        backends: dict[str, RunningService],
        tcp_proxies: Mapping[Hop, TcpProxy],
        http_faults: Mapping[Hop, HttpFault],
        frame_proxy: FrameProxy | None = None,
    ) -> None:
        super().__init__(lacking, tcp_proxies, http_faults, frame_proxy)
        self._target = target
        self._client = client
        self._host = host
        self._template = template
        self.ingress = ingress
        self._ingress_starts_instances = ingress_starts_instances
        self._services = dict(services)
        self._backends = backends
        self._asked_to_end: set[str] = set()
        self._ended_before: dict[str, str] = {}
        """Instances that had ended by themselves when they were to be ended."""

    def services(self) -> Mapping[str, str]:
        """Applications and backend instances to base URLs."""
        running = [*self._services.values(), *self._backends.values(), self.ingress]
        return {service.name: service.url for service in running}

    def ended_unasked(self) -> list[str]:
        """What is ours, if it ended: the ingress."""
        ended = self.ingress.exit_status
        return [] if ended is None else [f"{self.ingress.name} ({ended})"]

    async def applications_ended(self) -> Mapping[str, str]:
        """Applications and instances that ended, or did not start, unasked: name to how."""
        found = {
            service.name: str(service.exit_status)
            for service in (*self._services.values(), *self._backends.values())
            if service.exit_status is not None
        }
        if self._ingress_starts_instances:
            report = await self._ask("GET", "/internal/ingress")
            found |= {str(one["id"]): one["ended"] for one in report["instances"] if one["ended"]}
        unasked = {name: how for name, how in found.items() if name not in self._asked_to_end}
        return self._ended_before | unasked

    def _ask_to_end(self, service: RunningService) -> None:
        if service.exit_status is not None and service.name not in self._asked_to_end:
            self._ended_before[service.name] = str(service.exit_status)
        self._asked_to_end.add(service.name)

    async def instances(self) -> Mapping[str, str]:
        """Backend instances that serve now, those that the ingress started included."""
        report = await self._ask("GET", "/internal/ingress")
        started = {
            one["id"]: one["url"]
            for one in report["instances"]
            if one["is_cold_started"] and one["url"] and one["state"] == "serving"
        }
        alive = {n: one.url for n, one in self._backends.items() if one.exit_status is None}
        return alive | started

    async def start_instance(self) -> str:
        """Start another instance cold, without waiting for it; returns its name."""
        answer = await self._ask("POST", "/internal/instances")
        return str(answer["id"])

    async def stop_instance(self, name: str, *, kill: bool = False) -> None:
        """Stop an instance (SIGTERM, then SIGKILL), or kill it at once."""
        if name not in self._backends:
            await self._end_one_of_the_ingress(name, "kill" if kill else "terminate")
            return
        service = self._backend(name)
        self._ask_to_end(service)
        await (service.kill() if kill else service.stop(_RESTART_GRACE_S))

    async def _end_one_of_the_ingress(self, name: str, action: str) -> None:
        self._asked_to_end.add(name)
        try:
            await self._ask("PUT", f"/internal/instances/{name}", {"action": action})
        except ControlError as error:
            if error.status != HTTPStatus.CONFLICT:
                raise
            # It has ended by itself meanwhile.
            self._asked_to_end.discard(name)

    async def restart_instance(self, name: str) -> None:
        """Stop an instance and start it again at the same address, its memory gone.

        Raises `NotStartedError` if it does not come back.
        """
        service = self._backend(name)
        self._ask_to_end(service)
        await service.stop(_RESTART_GRACE_S)
        spec = replace(self._template, name=name, port=service.port)
        self._backends[name] = await start_application(self._host, spec)
        self._asked_to_end.discard(name)

    @asynccontextmanager
    async def hold_write_lock(self) -> AsyncIterator[HeldLock]:
        """Hold the write lock of the store that the target names.

        Raises `Unavailable` if it cannot be had: what is stated is not what it should be.
        """
        if self._target.store is None:
            self._refuse(Ability.STORE_LOCK)
        from gp_helpers.faults import WriteLockError, held_write_lock

        async with AsyncExitStack() as stack:
            try:
                lock = await stack.enter_async_context(held_write_lock(self._target.store))
            except WriteLockError as error:
                raise Unavailable(Ability.STORE_LOCK, f"target.store: {error}") from error
            yield lock

    async def routes(
        self, service: str, messages: Sequence[Mapping[str, Any]]
    ) -> Sequence[Mapping[str, Any]]:
        """What each router decides about each message, in the words of our corpus."""
        del service
        if not self._target.routers:
            self._refuse(Ability.ROUTES)
        ours = {theirs: name for name, theirs in self._target.agents.items()}
        answer = await self._ask_user_code(
            Ability.ROUTES,
            {"routers": self._target.routers, "messages": [self._theirs(m) for m in messages]},
        )
        return [
            {
                router: {**decision, "agent": ours.get(decision["agent"], decision["agent"])}
                for router, decision in decisions.items()
            }
            for decisions in answer
        ]

    def _theirs(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """A message that names an agent by what it is called there."""
        named = message.get("agent")
        if named is None:
            return dict(message)
        return {**message, "agent": self._target.agents.get(named, named)}

    async def factories(self, service: str) -> Mapping[str, Any]:
        """The target's factories held against the contract."""
        del service
        if not self._target.factories:
            self._refuse(Ability.FACTORIES)
        answer: Mapping[str, Any] = await self._ask_user_code(
            Ability.FACTORIES, {"factories": self._target.factories}
        )
        return answer

    async def _ask_user_code(self, ability: Ability, question: Mapping[str, Any]) -> Any:
        try:
            return await ask_user_code({"path": list(self._target.path), **question})
        except UserCodeError as error:
            raise Unavailable(ability, str(error)) from error

    def _backend(self, name: str) -> RunningService:
        if name not in self._backends:
            raise Unavailable(Ability.INSTANCES, f"{name} was started by the ingress")
        return self._backends[name]

    async def _ask(self, method: str, path: str, body: object = None) -> Mapping[str, Any]:
        return await self._client.ask(method, f"{self.ingress.url}{path}", body)
