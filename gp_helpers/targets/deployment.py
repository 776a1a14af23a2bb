"""Opens a deployment: a platform that runs somewhere, and in which the probes are guests.

Nothing is started but, where the target allows it by name, proxies between the probes and the
target's socket.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from gp_helpers.parameters.description import Limits
from gp_helpers.parameters.schema import DeploymentTarget
from gp_helpers.targets.accounts import stated_accounts
from gp_helpers.targets.between import put_between
from gp_helpers.targets.limited_controls import LimitedControls
from gp_helpers.targets.running import Ability, Arrangement, Hop, RunningTarget, TargetKind

NETWORK_CUT, FRAME_HOLD, LOAD = "network_cut", "frame_hold", "load"
FRAME_FAULTS = "frame_"
"""How the names of faults begin that a frame proxy makes; the rest is its own name for them."""
_ALLOWED_BY = {
    Ability.CLIENT_HOP: NETWORK_CUT,
    Ability.CLIENT_FRAMES: FRAME_HOLD,
    Ability.LOAD: LOAD,
}
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


def lacking(limits: Limits) -> dict[Ability, str]:
    """The abilities that a deployment with these limits does not have, each with the reason."""
    found = dict(_LACKING)
    for ability in (Ability.CLIENT_HOP, Ability.CLIENT_FRAMES):
        if _ALLOWED_BY[ability] not in limits.faults:
            found[ability] = f"limits.faults does not name {_ALLOWED_BY[ability]}"
    if limits.load is None:
        found[Ability.LOAD] = "limits.load is not stated"
    return found


def guest_limits(target: DeploymentTarget) -> Limits:
    """The limits of a deployment; where it names no hosts, those of its own URLs."""
    if target.limits.hosts:
        return target.limits
    found = _hosts(target.model_dump(exclude={"judge", "limits"}))
    hosts = tuple(dict.fromkeys(host for host in found if host))
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


@asynccontextmanager
async def open_deployment(
    target: DeploymentTarget, *, arrangement: Arrangement
) -> AsyncIterator[RunningTarget]:
    """Open a deployment for one trial. Raises `ParameterError` if its accounts cannot be read."""
    limits = guest_limits(target)
    reasons = lacking(limits)
    accounts = stated_accounts(target.accounts)
    async with AsyncExitStack() as stack:
        between = await put_between(
            stack,
            target,
            tcp=Hop.CLIENT_INGRESS in arrangement.proxied and Ability.CLIENT_HOP not in reasons,
            frames=_treatments(limits) if arrangement.framed else frozenset(),
        )
        cuts = {Hop.CLIENT_INGRESS: between.tcp} if between.tcp is not None else {}
        yield RunningTarget(
            name=target.name,
            kind=TargetKind.DEPLOYMENT,
            description=target,
            lacking=reasons,
            controls=LimitedControls(reasons, cuts, frame_proxy=between.frames),
            limits=limits,
            accounts=accounts,
            socket_via=between.detour,
            through={a: name for a, name in _ALLOWED_BY.items() if a not in reasons},
        )


def _treatments(limits: Limits) -> frozenset[str]:
    """What may be done to single messages, in the words of the frame proxy."""
    named = (name.partition(FRAME_FAULTS) for name in limits.faults)
    return frozenset(rest for before, found, rest in named if found and not before)
