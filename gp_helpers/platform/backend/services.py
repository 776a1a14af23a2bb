"""What the handlers of a backend need, put together by the wiring and handed over as one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gp_helpers.platform.agents.roles import RunFollowers
from gp_helpers.platform.backend.startup import Readiness
from gp_helpers.platform.backend.supervision import Supervisor
from gp_helpers.platform.clock import Clock
from gp_helpers.platform.routing.desks import Desks
from gp_helpers.platform.routing.instances import OwnAddress
from gp_helpers.platform.routing.peers import Peers
from gp_helpers.platform.routing.roles import AgentRouter
from gp_helpers.platform.seams import (
    AgentRunner,
    AuthClient,
    AuthFailureEdge,
    GatewayFallback,
    TokenValidator,
)
from gp_helpers.platform.settings import BackendSettings
from gp_helpers.platform.store import (
    Accounts,
    Billing,
    Conversations,
    Ledger,
    Outbox,
    Presence,
    Store,
)

if TYPE_CHECKING:
    from gp_helpers.platform.service_client import ServiceClient


@dataclass(frozen=True, slots=True)
class BackendServices:
    """One backend instance's parts, each made once."""

    settings: BackendSettings
    clock: Clock
    http: ServiceClient
    """Shared by all hops of this service."""
    supervisor: Supervisor
    readiness: Readiness
    store: Store
    accounts: Accounts
    billing: Billing
    conversations: Conversations
    outbox: Outbox
    presence: Presence
    ledger: Ledger
    auth_client: AuthClient
    threads_validator: TokenValidator
    chat_validator: TokenValidator
    gateway_validator: TokenValidator
    gateway_fallback: GatewayFallback
    auth_failure_edge: AuthFailureEdge
    agent_router: AgentRouter
    desks: Desks
    address: OwnAddress
    peers: Peers
    runner: AgentRunner
    followers: RunFollowers


Components = Callable[[str], Any]
"""Gives the component class that stands at a seam: `components("event_delivery")`."""
