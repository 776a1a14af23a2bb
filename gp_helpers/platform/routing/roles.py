"""The roles of routing: what stands at each of its seams can do.

The remediated components are in this package, the as-reported ones in `defects.routing`; both are
built with the same arguments, and pass the same tests of their role.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from gp_helpers.platform.contract import AgentRequest, Priority
from gp_helpers.platform.seams import Identity

if TYPE_CHECKING:
    from gp_helpers.platform.gateway.connection import Connection
    from gp_helpers.platform.gateway.messages import Request

Accept = Callable[["Connection", "Request"], Awaitable[None]]
"""Takes a request that came by a connection."""


class MessageRouter(Protocol):
    """Decides which agent works on a request."""

    def decide(self, request: AgentRequest) -> str:
        """The agent's name; raises `PlatformError("unknown_agent")`."""
        ...


class AgentRouter(MessageRouter, Protocol):
    """The platform's decision, and the routers that have a say in it."""

    @property
    def routers(self) -> Mapping[str, MessageRouter]:
        """Every router that the platform has, by name, for diagnostics."""
        ...


class PriorityScale(Protocol):
    """What a client's word for urgency means."""

    def read(self, said: str | int) -> Priority:
        """Raises `PlatformError("invalid_request")` for a word that is not on the scale."""
        ...

    def number(self, priority: Priority) -> int:
        """The priority as a number, for the queue."""
        ...


class RoutingContext(Protocol):
    """Knows how a user wants to be answered."""

    def preferences_for(self, connection: Connection, said: Mapping[str, str]) -> dict[str, str]:
        """The preferences of a request: what it says itself, and what was said before."""
        ...


class RequestIdentity(Protocol):
    """Knows whose request a message is."""

    def of(self, identity: Identity, claimed_user_id: str | None) -> Identity:
        """Raises `PlatformError("identity_spoofed")`."""
        ...


class HandlerBinding(Protocol):
    """Binds the handling of requests to the connection that they come by."""

    def bind(
        self, connection: Connection, accept: Accept
    ) -> Callable[[Request], Awaitable[None]]: ...


class HandoffRules(Protocol):
    """Says whom an agent hands a request on to."""

    def next_after(self, request: AgentRequest, path: tuple[str, ...]) -> str | None:
        """The next agent, `None` when the request is finished; `path` ends with the present one."""
        ...


@dataclass(frozen=True, slots=True)
class Errand:
    """A request on its way from agent to agent."""

    request: AgentRequest
    take_turn: Callable[[str], Awaitable[None]]
    """Has an agent do its share."""


class Delegation(Protocol):
    """Has agents work on a request one after the other, each at its desk."""

    async def work(self, first: str, errand: Errand) -> None:
        """Return when the last agent has finished; raises `PlatformError("handoff_limit")`."""
        ...


class WorkPlacement(Protocol):
    """Chooses the instance that works on a request."""

    async def instance_for(self, request: AgentRequest) -> str: ...


class SessionDirectory(Protocol):
    """Knows at which instances a user is connected."""

    async def came(self, connection_id: str, user_id: str, now: float) -> None:
        """Raises `StoreUnavailable`."""
        ...

    async def left(self, connection_id: str) -> None:
        """Raises `StoreUnavailable`."""
        ...

    async def elsewhere(self, user_id: str) -> tuple[str, ...]:
        """The other instances where the user is connected; raises `StoreUnavailable`."""
        ...


class ConnectionPlacement(Protocol):
    """How the ingress spreads connections; read by whoever hosts the backend."""

    @property
    def policy(self) -> str:
        """`least_loaded` or `round_robin`."""
        ...
