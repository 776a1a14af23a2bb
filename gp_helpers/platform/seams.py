"""The seams: places where a component is chosen, the role that stands there, and its remedy.

A role is a Protocol; `SEAMS` names for each seam the remediated component by import string. A
defect of the catalogue puts another component at a seam, built with the same constructor
arguments by `wiring`. No component knows the wiring.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from gp_helpers.platform.contract import AgentRequest, Event

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

    from gp_helpers.platform.errors import AuthUnavailable, PlatformError, TokenRefused

Reply = Mapping[str, Any]
"""The auth service's JSON reply to `POST /auth/validate`."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a token belongs to, as the auth service said it."""

    user_id: str
    email: str
    permissions: tuple[str, ...]
    expires_at: float


class TokenValidator(Protocol):
    """Says whose token this is."""

    async def validate(self, token: str) -> Identity:
        """Raises `TokenRefused` (bad token) or `AuthUnavailable` (nobody could say)."""
        ...


class AuthClient(Protocol):
    """Asks the auth service about a token."""

    async def ask(self, token: str) -> Reply:
        """The validation reply, positive or negative; raises `AuthUnavailable`."""
        ...

    def state(self) -> dict[str, Any]:
        """What diagnostics show of it."""
        ...


class ReplyReader(Protocol):
    """Reads an identity out of a validation reply."""

    def read(self, reply: Reply) -> Identity:
        """Raises `TokenRefused` when the reply refuses the token or names nobody."""
        ...


class IdentityCache(Protocol):
    """Keeps requests that show the same token from asking the same question at once."""

    async def reply_for(self, token: str, ask: Callable[[], Awaitable[Reply]]) -> Reply: ...


class RefusalCache(Protocol):
    """May remember that a token was refused."""

    def recall(self, token: str) -> TokenRefused | None: ...

    def remember(self, token: str, refusal: TokenRefused) -> None: ...


class TokenTimeRules(Protocol):
    """Checks a token's times against this service's clock, before anybody is asked."""

    def check(self, claims: Mapping[str, Any]) -> None:
        """Raises `TokenRefused` (`token_expired`, `token_not_yet_valid`, `token_claims`)."""
        ...


class GatewayFallback(Protocol):
    """Decides what becomes of a handshake whose token was refused."""

    def identity_for(self, refusal: TokenRefused) -> Identity:
        """The identity to go on with, or raises the refusal."""
        ...


class AuthFailureEdge(Protocol):
    """Turns "the auth service could not be asked" into what the user is told."""

    def translate(self, failure: AuthUnavailable) -> PlatformError: ...


class RevocationList(Protocol):
    """Remembers which tokens are dead before their time."""

    async def revoke(self, token_id: str, expires_at: float) -> None: ...

    async def is_revoked(self, token_id: str) -> bool: ...


class TokenLifetime(Protocol):
    """Says how long a token that was just issued will live."""

    def expires_in(self, claims: Mapping[str, Any]) -> int: ...


class EventSink(Protocol):
    """Takes an agent's events to a user; the gateway's delivery implements it."""

    async def emit(self, user_id: str, event: Event) -> None: ...


class AgentRunner(Protocol):
    """Works on one request and emits its five events, or an error."""

    async def run(self, identity: Identity, request: AgentRequest, sink: EventSink) -> None: ...


class Gateway(Protocol):
    """The WebSocket part of a backend, as the backend's application sees it."""

    async def start(self) -> None:
        """Make the event manager; called by the warm-up as part `event_manager`."""
        ...

    async def endpoint(self, websocket: WebSocket) -> None: ...

    def state(self) -> dict[str, Any]:
        """Its share of `GET /internal/state`."""
        ...

    def config(self) -> dict[str, Any]:
        """The body of `GET /ws/config`."""
        ...

    async def factories(self) -> dict[str, Any]:
        """The body of `GET /internal/factories`."""
        ...

    def hear_of(self, user_id: str, event_id: int) -> None:
        """An event of the user that another instance made is in the outbox."""
        ...

    def work_on(self, identity: Identity, request: AgentRequest) -> None:
        """Queue a request of another instance; raises `PlatformError("overloaded")`."""
        ...

    @property
    def waiting(self) -> int:
        """How many requests wait here for a worker."""
        ...


@dataclass(frozen=True, slots=True)
class Seam:
    """A place where a component is chosen."""

    name: str
    role: str
    """Name of the Protocol, or of the shape that both components share."""
    remediated: str
    """Import string `module:attribute` of the component that stands there without a defect."""


_AUTH = "gp_helpers.platform.auth"
_BACKEND = "gp_helpers.platform.backend"
_GATEWAY = "gp_helpers.platform.gateway"
_FACTORIES = "gp_helpers.platform.factories"
_ROUTING = "gp_helpers.platform.routing"
_AGENTS = "gp_helpers.platform.agents"

_SEAMS = (
    # Auth service.
    Seam("revocation_list", "RevocationList", f"{_AUTH}.revocation:SharedRevocationList"),
    Seam("token_lifetime", "TokenLifetime", f"{_AUTH}.lifetimes:ActualLifetime"),
    # Backend: the chain that validates a token.
    Seam("auth_client", "AuthClient", f"{_BACKEND}.auth_client:RetryingAuthClient"),
    Seam("threads_reply_reader", "ReplyReader", f"{_BACKEND}.validation:FlatReplyReader"),
    Seam("chat_reply_reader", "ReplyReader", f"{_BACKEND}.validation:FlatReplyReader"),
    Seam("gateway_reply_reader", "ReplyReader", f"{_BACKEND}.validation:FlatReplyReader"),
    Seam("gateway_validator", "TokenValidator", f"{_BACKEND}.validation:SharedValidator"),
    Seam("identity_cache", "IdentityCache", f"{_BACKEND}.validation:SingleFlight"),
    Seam("refusal_cache", "RefusalCache", f"{_BACKEND}.validation:NoRefusalCache"),
    Seam("token_time_rules", "TokenTimeRules", f"{_BACKEND}.validation:LenientTimeRules"),
    Seam("gateway_fallback", "GatewayFallback", f"{_BACKEND}.validation:RefuseHandshake"),
    Seam("auth_failure_edge", "AuthFailureEdge", f"{_BACKEND}.validation:HonestFailureEdge"),
    # Gateway; `startup_probe` is read by whoever hosts the backend.
    Seam("startup_probe", "StartupProbe", f"{_GATEWAY}.readiness:ReadinessProbe"),
    Seam("readiness_gate", "ReadinessGate", f"{_GATEWAY}.readiness:WaitingGate"),
    Seam("event_manager", "EventManager", f"{_GATEWAY}.events:LifespanEventManager"),
    Seam("connection_registry", "ConnectionRegistry", f"{_GATEWAY}.registry:ByConnection"),
    Seam("connection_cleanup", "ConnectionCleanup", f"{_GATEWAY}.cleanup:CompleteCleanup"),
    Seam("event_delivery", "EventDelivery", f"{_GATEWAY}.delivery:OutboxDelivery"),
    Seam("connection_setup", "ConnectionSetup", f"{_GATEWAY}.setup:OwnSetup"),
    Seam("connection_timeouts", "ConnectionTimeouts", f"{_GATEWAY}.timeouts:NestedTimeouts"),
    Seam("cut_handling", "CutHandling", f"{_GATEWAY}.delivery:DurableAnswers"),
    # Routing; `connection_placement` is read by whoever hosts the backend.
    Seam("agent_router", "AgentRouter", f"{_ROUTING}.router:OneRouter"),
    Seam("priority_scale", "PriorityScale", f"{_ROUTING}.priority:OneScale"),
    Seam("routing_context", "RoutingContext", f"{_ROUTING}.context:ConnectionContext"),
    Seam("handler_binding", "HandlerBinding", f"{_ROUTING}.context:OwnHandler"),
    Seam("request_identity", "RequestIdentity", f"{_ROUTING}.context:HandshakeDecides"),
    Seam("handoff", "Delegation", f"{_ROUTING}.handoff:DeskByDesk"),
    Seam("handoff_rules", "HandoffRules", f"{_ROUTING}.handoff:EachAgentOnce"),
    Seam(
        "connection_placement",
        "ConnectionPlacement",
        f"{_ROUTING}.placement:LeastLoadedConnections",
    ),
    Seam("work_placement", "WorkPlacement", f"{_ROUTING}.placement:LeastLoadedWork"),
    Seam("session_directory", "SessionDirectory", f"{_ROUTING}.sessions:StoreSessions"),
    # Agents: whose data, whose answer, and what becomes of a run.
    Seam("billing_account", "BillingAccount", f"{_AGENTS}.accounts:TokenSubject"),
    Seam("completions", "Completions", f"{_AGENTS}.completions:OwnCompletions"),
    Seam("run_repetition", "AgentRunner", f"{_AGENTS}.repetition:StoredOnce"),
    Seam("run_failures", "AgentRunner", f"{_AGENTS}.failures:ToldFailures"),
    Seam("run_followers", "RunFollowers", f"{_AGENTS}.observation:FollowersByRun"),
    # Factories: what each mode's sessions are put together from, and how they end.
    Seam(
        "factory_connection_factory", "ConnectionFactory", f"{_FACTORIES}.connections:RecordedLines"
    ),
    Seam(
        "isolated_connection_factory",
        "ConnectionFactory",
        f"{_FACTORIES}.connections:RecordedLines",
    ),
    Seam(
        "isolated_execution_factory", "ExecutionFactory", f"{_FACTORIES}.executions:RecordedEngines"
    ),
    Seam("factory_assembly", "SessionAssembly", f"{_FACTORIES}.assembly:ConstructorAssembly"),
    Seam("session_closing", "SessionClosing", f"{_FACTORIES}.sessions:ReverseClosing"),
    Seam("session_keeping", "SessionKeeping", f"{_FACTORIES}.sessions:ClosedWhenDone"),
    Seam("factory_connection_failures", "FailureEdge", f"{_FACTORIES}.failures:OneContract"),
    Seam("isolated_connection_failures", "FailureEdge", f"{_FACTORIES}.failures:OneContract"),
    Seam("agent_failures", "FailureEdge", f"{_FACTORIES}.failures:OneContract"),
    Seam("execution_failures", "FailureEdge", f"{_FACTORIES}.failures:OneContract"),
)


def _by_name(seams: tuple[Seam, ...]) -> dict[str, Seam]:
    registry = {seam.name: seam for seam in seams}
    if len(registry) != len(seams):
        raise ValueError("a seam is registered twice")
    return registry


SEAMS: Mapping[str, Seam] = _by_name(_SEAMS)
"""Every seam of the platform by name."""
