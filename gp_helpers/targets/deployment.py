"""Opens a deployment: a platform that runs somewhere, and in which the probes are guests.

Nothing is started but, where the target allows it by name, a proxy between the probes and the
target's socket.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from gp_helpers.faults import TcpProxy
from gp_helpers.parameters.description import Description, Limits
from gp_helpers.parameters.schema import DeploymentTarget
from gp_helpers.targets.accounts import stated_accounts
from gp_helpers.targets.limited_controls import LimitedControls
from gp_helpers.targets.running import Ability, Arrangement, Hop, RunningTarget, TargetKind

NETWORK_CUT = "network_cut"
_INSIDE = "it lies inside the deployment"
_LACKING = {
    Ability.DIAGNOSTICS: "a deployment does not tell us what it has in flight",
    Ability.CLOCK: "the clocks of a deployment are not ours to step",
    Ability.INSTANCES: "the instances of a deployment are not ours to start and kill",
    Ability.AUTH_HOP: f"the hop from backend to auth service is out of reach: {_INSIDE}",
    Ability.MODEL_HOP: f"the hop from backend to model is out of reach: {_INSIDE}",
    Ability.STORE_LOCK: f"the store is out of reach: {_INSIDE}",
    Ability.ROUTES: f"routers cannot be asked: {_INSIDE}",
    Ability.FACTORIES: f"factories cannot be called: {_INSIDE}",
}
_DEFAULT_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}


def lacking(limits: Limits) -> dict[Ability, str]:
    """The abilities that a deployment with these limits does not have, each with the reason."""
    found = dict(_LACKING)
    if NETWORK_CUT not in limits.faults:
        found[Ability.CLIENT_HOP] = f"limits.faults does not name {NETWORK_CUT}"
    if limits.load is None:
        found[Ability.LOAD] = "limits.load is not stated"
    return found


def guest_limits(target: DeploymentTarget) -> Limits:
    """The limits of a deployment; where it names no hosts, those of its own URLs."""
    if target.limits.hosts:
        return target.limits
    hosts = tuple(dict.fromkeys(_hosts(target.model_dump(exclude={"judge", "limits"}))))
    return target.limits.model_copy(update={"hosts": hosts})


def _hosts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in ("url", "token_url") and isinstance(inner, str):
                yield urllib.parse.urlsplit(inner).netloc.rpartition("@")[2]
            else:
                yield from _hosts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _hosts(inner)


def socket_address(description: Description) -> tuple[str, int] | None:
    """Where the socket's URL leads: host and port; None without a socket."""
    if description.websocket is None:
        return None
    url = urllib.parse.urlsplit(description.websocket.url)
    return url.hostname or "", url.port or _DEFAULT_PORTS[url.scheme]


@asynccontextmanager
async def open_deployment(
    target: DeploymentTarget, *, arrangement: Arrangement
) -> AsyncIterator[RunningTarget]:
    """Open a deployment for one trial. Raises `ParameterError` if its accounts cannot be read."""
    limits = guest_limits(target)
    reasons = lacking(limits)
    accounts = stated_accounts(target.accounts)
    address = socket_address(target)
    async with AsyncExitStack() as stack:
        proxies = {}
        if (
            Hop.CLIENT_INGRESS in arrangement.proxied
            and Ability.CLIENT_HOP not in reasons
            and address is not None
        ):
            proxies[Hop.CLIENT_INGRESS] = await stack.enter_async_context(TcpProxy(*address))
        yield RunningTarget(
            name=target.name,
            kind=TargetKind.DEPLOYMENT,
            description=target,
            lacking=reasons,
            controls=LimitedControls(reasons, proxies),
            limits=limits,
            accounts=accounts,
            socket_via=("127.0.0.1", proxies[Hop.CLIENT_INGRESS].port) if proxies else None,
        )
