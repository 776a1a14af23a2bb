"""What the embedded platform says on the wire, as data in one place.

Event names, message types, close codes, the registry of error codes, and the two small
values (`AgentRequest`, `Event`) that travel between the gateway and the agents.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any, Final

SUBPROTOCOL: Final = "golden-path.v1"
"""The one WebSocket subprotocol that the gateway ever selects."""

TOKEN_SUBPROTOCOL_PREFIX: Final = "jwt."
"""Prefix of the offered subprotocol that carries a token as base64url without padding."""

DIAGNOSTICS_HEADER: Final = "X-Golden-Path-Secret"
"""Header that opens `/internal/*` with the run's secret."""

CORRELATION_HEADER: Final = "X-Correlation-ID"
"""Header that ties one request's log lines and errors together across services."""

SERVICE_ID_HEADER: Final = "X-Service-ID"
SERVICE_SECRET_HEADER: Final = "X-Service-Secret"


class EventType(StrEnum):
    """The five events of an agent's run, in the order in which a user sees them."""

    AGENT_STARTED = "agent_started"
    AGENT_THINKING = "agent_thinking"
    TOOL_EXECUTING = "tool_executing"
    TOOL_COMPLETED = "tool_completed"
    AGENT_COMPLETED = "agent_completed"


class ClientMessage(StrEnum):
    """The type of a WebSocket message to the server."""

    AGENT_REQUEST = "agent_request"
    PING = "ping"
    RESUME = "resume"


class ServerMessage(StrEnum):
    """The type of a WebSocket message from the server that is not one of the five events."""

    CONNECTION_ESTABLISHED = "connection_established"
    ERROR = "error"
    PONG = "pong"
    HEARTBEAT = "heartbeat"
    RECONNECT = "reconnect"


class Mode(StrEnum):
    """How a connection's components are put together: `/ws?mode=…`."""

    MAIN = "main"
    FACTORY = "factory"
    ISOLATED = "isolated"


class Priority(StrEnum):
    """Urgency of an agent request."""

    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


class CloseCode(IntEnum):
    """WebSocket close codes (RFC 6455, section 7.4) that the platform uses."""

    NORMAL = 1000
    GOING_AWAY = 1001
    POLICY = 1008
    TOO_BIG = 1009
    INTERNAL = 1011
    RESTART = 1012
    TRY_LATER = 1013


@dataclass(slots=True)
class Ticket:
    """A request's place among the acts of one instance's queue, which fills it in."""

    instance_id: str = ""
    queued: int = 0
    """Number of the act of queuing; one counter numbers all acts of a queue."""
    started: int = 0
    """Number of the act of handing it to a worker; 0 before."""

    def to_json(self) -> dict[str, Any]:
        """What the `agent_started` event says of it."""
        return {"instance": self.instance_id, "queued": self.queued, "started": self.started}


@dataclass(frozen=True, slots=True)
class AgentRequest:
    """What a user asks of an agent, once the gateway has read and checked it."""

    id: str
    thread_id: str
    message: str
    agent: str | None = None
    priority: Priority = Priority.NORMAL
    preferences: Mapping[str, str] = field(default_factory=dict)
    ticket: Ticket = field(default_factory=Ticket, compare=False)

    def to_json(self) -> dict[str, Any]:
        """What another instance needs to work on it."""
        return {
            "id": self.id,
            "thread_id": self.thread_id,
            "message": self.message,
            "agent": self.agent,
            "priority": str(self.priority),
            "preferences": dict(self.preferences),
        }


@dataclass(frozen=True, slots=True)
class Event:
    """One message about a request on its way to a user; the outbox gives it its `event_id`."""

    type: EventType | ServerMessage
    request_id: str
    thread_id: str
    user_id: str
    agent: str
    timestamp: float
    """Seconds since the epoch on the emitting service's clock."""
    data: Mapping[str, Any]

    def to_message(self) -> dict[str, Any]:
        """The wire's message, still without `event_id`."""
        return {
            "type": str(self.type),
            "request_id": self.request_id,
            "thread_id": self.thread_id,
            "user_id": self.user_id,
            "agent": self.agent,
            "timestamp": self.timestamp,
            "data": dict(self.data),
        }


@dataclass(frozen=True, slots=True)
class ErrorSpecification:
    """One error code: its HTTP status, its default message, and whether trying again may help."""

    code: str
    status: int
    retryable: bool
    message: str


_SPECIFICATIONS = (
    ErrorSpecification("invalid_request", 400, False, "The request does not fit its schema."),
    ErrorSpecification("unknown_message_type", 400, False, "This message type does not exist."),
    ErrorSpecification("unknown_agent", 400, False, "No agent has this name."),
    ErrorSpecification("unknown_mode", 400, False, "This connection mode does not exist."),
    ErrorSpecification("invalid_credentials", 401, False, "E-mail address or password is wrong."),
    ErrorSpecification("invalid_service_credentials", 401, False, "Unknown service or secret."),
    ErrorSpecification("token_missing", 401, False, "No token was presented."),
    ErrorSpecification("token_malformed", 401, False, "The token is not a readable JWT."),
    ErrorSpecification("token_signature", 401, False, "The token's signature is wrong."),
    ErrorSpecification("token_claims", 401, False, "The token lacks a required claim."),
    ErrorSpecification("token_audience", 401, False, "The token is meant for somebody else."),
    ErrorSpecification("token_issuer", 401, False, "The token comes from another issuer."),
    ErrorSpecification("token_type", 401, False, "The token is of another type."),
    ErrorSpecification("token_expired", 401, False, "The token has expired."),
    ErrorSpecification("token_not_yet_valid", 401, False, "The token is not valid yet."),
    ErrorSpecification("token_revoked", 401, False, "The token was revoked."),
    ErrorSpecification("invalid_token", 401, False, "The token is not valid."),
    ErrorSpecification("refresh_reused", 401, False, "This refresh token was used before."),
    ErrorSpecification("diagnostics_refused", 403, False, "Diagnostics need the run's secret."),
    ErrorSpecification("identity_spoofed", 403, False, "A message cannot name another user."),
    ErrorSpecification("not_found", 404, False, "There is nothing here."),
    ErrorSpecification("thread_not_found", 404, False, "You have no thread with this id."),
    ErrorSpecification("method_not_allowed", 405, False, "This method is not allowed here."),
    ErrorSpecification("email_taken", 409, False, "An account with this e-mail address exists."),
    ErrorSpecification("message_too_big", 413, False, "The message is too big."),
    ErrorSpecification("overloaded", 429, True, "Too much work is waiting already."),
    ErrorSpecification("internal", 500, False, "Something unexpected went wrong."),
    ErrorSpecification("handoff_limit", 508, False, "The request was handed on too often."),
    ErrorSpecification("model_protocol", 502, True, "The model server answered nonsense."),
    ErrorSpecification("auth_unavailable", 503, True, "The auth service cannot answer now."),
    ErrorSpecification("model_unavailable", 503, True, "The model server cannot answer now."),
    ErrorSpecification("peer_unavailable", 503, True, "Another instance cannot answer now."),
    ErrorSpecification("store_unavailable", 503, True, "The store cannot be used now."),
    ErrorSpecification("not_ready", 503, True, "The service is still starting."),
)


def _registry(specifications: tuple[ErrorSpecification, ...]) -> dict[str, ErrorSpecification]:
    registry = {specification.code: specification for specification in specifications}
    if len(registry) != len(specifications):
        raise ValueError("an error code is registered twice")
    return registry


ERRORS: Final[Mapping[str, ErrorSpecification]] = _registry(_SPECIFICATIONS)
"""Every error code that the platform may answer, over HTTP or on a socket."""
