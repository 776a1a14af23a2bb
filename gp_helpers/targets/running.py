"""A target that is running: its description, and the controls that only some targets have.

Probes use the description. Steps that need more (a clock to step, a hop to slow down, an instance
to kill) ask for a control; a target that lacks it says why, and the claims that rest on it stay
unobserved.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from gp_helpers.parameters.description import Description, Limits, states

if TYPE_CHECKING:
    from gp_helpers.faults import FrameProxy, HeldLock, HttpFault, TcpProxy
    from gp_helpers.targets.transports import Detour


class NotStartedError(Exception):
    """Raised when an application that is not ours does not start, or not again.

    That is its own doing, and nothing of ours broke.
    """

    def __init__(self, name: str, reason: str, log_tail: Sequence[str] = ()) -> None:
        self.name = name
        self.reason = reason
        self.log_tail = tuple(log_tail)
        """The last lines of its log."""
        super().__init__(f"{name} did not start: {reason}")


class TargetKind(StrEnum):
    """What the probes talk to."""

    EMBEDDED = "embedded"
    ASGI = "asgi"
    DEPLOYMENT = "deployment"


class Ability(StrEnum):
    """Something that a case may need of a target."""

    DIAGNOSTICS = "diagnostics"
    """What is in flight can be read, so that silence is proven and resources are counted."""
    CLOCK = "clock"
    """Services' clocks can be stepped."""
    MINT = "mint"
    """Tokens with chosen flaws can be made, since the signing secret is known."""
    INSTANCES = "instances"
    """Backend instances can be started cold, killed and addressed one by one."""
    AUTH_HOP = "auth_hop"
    """A fault can stand between backend and auth service."""
    MODEL_HOP = "model_hop"
    CLIENT_HOP = "client_hop"
    """A fault can stand between probe and ingress."""
    CLIENT_FRAMES = "client_frames"
    """Messages of the probes' own sockets can be held until others have passed."""
    STORE_LOCK = "store_lock"
    """The store's write lock can be held."""
    ROUTES = "routes"
    """Routers say what they would decide about a message."""
    FACTORIES = "factories"
    """Factories can be held against the contract."""
    LOAD = "load"
    """The target allows load."""


class Hop(StrEnum):
    """A connection between two services, or between probe and platform."""

    CLIENT_INGRESS = "client-ingress"
    BACKEND_AUTH = "backend-auth"
    BACKEND_MODEL = "backend-model"


@dataclass(frozen=True, slots=True)
class Arrangement:
    """What a case needs of a platform that is started for it."""

    backends: int = 1
    auth_services: int = 1
    """With two, backend N asks auth service N."""
    cold: bool = False
    """No backend instance runs; the ingress starts the first one when a request arrives."""
    proxied: frozenset[Hop] = frozenset()
    """Hops at which a fault proxy stands, transparent until told otherwise."""
    framed: bool = False
    """Whether a frame proxy stands in front of the socket, likewise."""
    gateway: Mapping[str, float] = field(default_factory=dict)
    """Settings of the gateway (heartbeat, lifetime, timeouts) that differ from the defaults."""
    auth: Mapping[str, Any] = field(default_factory=dict)
    backend: Mapping[str, Any] = field(default_factory=dict)
    ingress: Mapping[str, Any] = field(default_factory=dict)
    busy_timeout_s: float = 5.0


class Unavailable(Exception):
    """Raised when a step asks for an ability that the target lacks."""

    def __init__(self, ability: Ability, reason: str) -> None:
        super().__init__(f"{ability.value}: {reason}")
        self.ability = ability
        self.reason = reason


class Controls(Protocol):
    """What can be done to a target beside talking to it. Every method may raise `Unavailable`."""

    async def state(self, service: str) -> Mapping[str, Any]:
        """A reading of a service's diagnostics."""
        ...

    async def factories(self, service: str) -> Mapping[str, Any]:
        """Rows of factories held against the contract, and the object graph of each session."""
        ...

    async def routes(
        self, service: str, messages: Sequence[Mapping[str, Any]]
    ) -> Sequence[Mapping[str, Any]]:
        """What each router of a backend would decide about each of many messages, in order."""
        ...

    async def set_clock(self, offset_s: float, *services: str) -> None:
        """Set the clock offset of services; of all of them if none is named."""
        ...

    def bad_tokens(self, token: str) -> Mapping[str, str]:
        """Variants of a good token by what is wrong with each; every validator must refuse each."""
        ...

    def services(self) -> Mapping[str, str]:
        """Service names to base URLs, those of single backend instances included."""
        ...

    async def instances(self) -> Mapping[str, str]:
        """Backend instances that serve now: name to base URL."""
        ...

    def tcp_proxy(self, hop: Hop) -> TcpProxy:
        """The proxy at a hop, for latency, resets and cuts."""
        ...

    def http_fault(self, hop: Hop) -> HttpFault:
        """The HTTP fault at a hop, for answers that the service did not give."""
        ...

    def frame_proxy(self) -> FrameProxy:
        """The proxy in front of the socket, for what becomes of single messages."""
        ...

    def hold_write_lock(self) -> AbstractAsyncContextManager[HeldLock]:
        """Hold the store's write lock for as long as the context is open."""
        ...

    async def start_instance(self) -> str:
        """Start another backend instance cold, without waiting for it; returns its name."""
        ...

    async def stop_instance(self, name: str, *, kill: bool = False) -> None:
        """Stop a backend instance (SIGTERM, then SIGKILL), or kill it at once."""
        ...

    async def restart_instance(self, name: str) -> None:
        """Stop a backend instance and start it again, with its memory gone, at the same name."""
        ...


async def _nothing_ended() -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, slots=True)
class RunningTarget:
    """What the probes talk to."""

    name: str
    kind: TargetKind
    description: Description
    lacking: Mapping[Ability, str]
    """Abilities that the target does not have, each with the reason."""
    controls: Controls
    limits: Limits | None
    """What a guest may do; None on a platform that is ours."""
    accounts: Sequence[Mapping[str, str]] = ()
    """The accounts that the target states; empty where users are made afresh."""
    socket_via: Detour | None = None
    """Where to connect for the socket in place of its URL's address: a proxy in front of it."""
    through: Mapping[Ability, str] = field(default_factory=dict)
    """Abilities that the target has because its limits allow something, with that one's name."""
    ended_unasked: Callable[[], Sequence[str]] = tuple
    """Names of our own services that ended although nobody asked them to: the platform broke."""
    is_cut_off: Callable[[], bool] = bool
    """Whether what starts the target's services has ended, and they with it; see `Host`."""
    applications_ended: Callable[[], Awaitable[Mapping[str, str]]] = _nothing_ended
    """The user's applications that ended, or did not start, although nobody asked them to: how."""

    def can(self, ability: Ability) -> bool:
        """Whether the target has an ability."""
        return ability not in self.lacking

    def states(self, part: str) -> bool:
        """Whether the target states a part of its description, or has it otherwise."""
        if part == "auth.user_id" and self.accounts:
            return all("id" in account for account in self.accounts)
        return states(self.description, part)

    def require(self, *abilities: Ability) -> None:
        """Raise `Unavailable` with the reasons if the target has none of these abilities."""
        if not any(self.can(ability) for ability in abilities):
            reasons = ", and ".join(self.lacking[ability] for ability in abilities)
            raise Unavailable(abilities[0], reasons)
