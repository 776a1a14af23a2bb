"""The description of a platform: how to log in, present a token, connect, ask, and read replies.

A deployment's parameter file states it; the embedded target fills in the same model with its own
addresses, so that the probes know one way to talk to a platform.
"""

from __future__ import annotations

from typing import Any, Literal

import jmespath
from jmespath.exceptions import JMESPathError
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

SUCCESS = "status >= `200` && status < `300`"
"""Over HTTP the root of a predicate is ``{status, headers, body}``."""

EVENTS = (
    "agent_started",
    "agent_thinking",
    "tool_executing",
    "tool_completed",
    "agent_completed",
)
"""The plan's five events, in order."""


class Described(BaseModel):
    """A part of a parameter file: unknown keys are errors, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def _compiles(expression: str | None) -> str | None:
    if expression is not None:
        try:
            jmespath.compile(expression)
        except JMESPathError as error:
            raise ValueError(f"not a JMESPath expression: {error}") from error
    return expression


class Operation(Described):
    """One HTTP request, with placeholders, and how to tell that it succeeded."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    url: str
    headers: dict[str, str] = {}
    query: dict[str, str] = {}
    json_body: Any = Field(default=None, alias="json")
    form: dict[str, str] | None = None
    bearer: str | None = None
    """A token template that is sent as ``Authorization: Bearer``."""
    accepted: str = SUCCESS
    """JMESPath predicate over the response: the request was accepted."""
    identity: str | None = None
    """JMESPath path to the user id for whom the response was made."""

    _accepted = field_validator("accepted", "identity")(_compiles)


class Token(Described):
    """Where the token is after logging in: exactly one of the three."""

    body: str | None = None
    cookie: str | None = None
    static: str | None = None

    _body = field_validator("body")(_compiles)

    @model_validator(mode="after")
    def _exactly_one(self) -> Token:
        if sum(place is not None for place in (self.body, self.cookie, self.static)) != 1:
            raise ValueError("state exactly one of body, cookie and static")
        return self


class Authentication(Described):
    """How a user gets a token, and everybody who validates it."""

    login: Operation | None = None
    token: Token
    user_id: str | None = None
    """JMESPath path to the user's id in the login's response."""
    expires_in: str | None = None
    refresh_token: str | None = None
    validators: dict[str, Operation] = {}
    refresh: Operation | None = None
    logout: Operation | None = None

    _paths = field_validator("user_id", "expires_in", "refresh_token")(_compiles)

    @model_validator(mode="after")
    def _login_or_static(self) -> Authentication:
        if self.login is None and self.token.static is None:
            raise ValueError("state login, or token.static")
        return self


class Accounts(Described):
    """Where users come from: a file (YAML or JSON list), the environment's text, or a request."""

    file: str | None = None
    inline: str | None = None
    register_: Operation | None = Field(default=None, alias="register")

    @model_validator(mode="after")
    def _exactly_one(self) -> Accounts:
        if sum(place is not None for place in (self.file, self.inline, self.register_)) != 1:
            raise ValueError("state exactly one of file, inline and register")
        return self


class Ping(Described):
    """A message that the platform answers at once."""

    send: Any
    pong: str

    _pong = field_validator("pong")(_compiles)


class Modes(Described):
    """Modes in which the socket can be opened, and where the platform advertises them."""

    advertised: Operation
    names: str
    """JMESPath path to the list of names in the response."""
    query: dict[str, str] = {"mode": "{mode}"}
    """What asks for a mode in the socket's URL."""

    _names = field_validator("names")(_compiles)


class WebSocketDescription(Described):
    """How to open the socket, ask, and recognise what comes back; predicates see the message."""

    url: str
    transport: str = "json"
    """``json``, ``socketio``, or ``package.module:Transport`` of one's own."""
    present_token: Literal["header", "subprotocol", "query", "cookie", "first_message", "none"] = (
        "header"
    )
    subprotocols: tuple[str, ...] = ()
    token_subprotocol: str = "jwt.{token_base64url}"
    token_query: str = "token"
    token_cookie: str = "access_token"
    first_message: Any = None
    headers: dict[str, str] = {}
    ready: str | None = None
    identity: str | None = None
    """JMESPath path, in the message that says ready, to the user id of the connection."""
    request: Any
    correlate: str | None = None
    """Predicate with placeholders: the message belongs to this request."""
    events: dict[str, str]
    answer: str | None = None
    answer_chunk: str | None = None
    """Path to a part of a streamed answer, in messages that belong to the request."""
    error: str | None = None
    """Predicate: the message is an error for this request."""
    event_id: str | None = None
    event_owner: str | None = None
    ping: Ping | None = None
    resume: Any = None
    modes: Modes | None = None
    priority: dict[str, Any] | None = None
    """The platform's own words for high, normal and low."""
    ignore: tuple[str, ...] = ()
    """Predicates of messages that say nothing, heartbeats for instance."""
    options: dict[str, Any] = {}
    """Options of the transport (namespace and path of Socket.IO, for instance)."""

    _paths = field_validator(
        "ready", "identity", "answer", "answer_chunk", "event_id", "event_owner"
    )(_compiles)

    @field_validator("events")
    @classmethod
    def _known_events(cls, events: dict[str, str]) -> dict[str, str]:
        unknown = sorted(set(events) - set(EVENTS))
        if unknown:
            raise ValueError(f"unknown event {', '.join(unknown)}; allowed: {', '.join(EVENTS)}")
        for predicate in events.values():
            _compiles(predicate)
        return events


class Conversation(Described):
    """A request that opens a conversation, where the platform wants one before a question."""

    create: Operation
    id: str


class Persistence(Operation):
    """A request that reads a conversation back, and how to tell that the question is in it."""

    found: str | None = None
    items: str | None = None
    """JMESPath path to the list of stored messages; each is expected to have ``content``."""


class Load(Described):
    """How much load a target allows: an open loop of so many users at this rate."""

    users: int = Field(default=5, ge=1, le=1000)
    rate_per_s: float = Field(default=2.0, gt=0)


class Limits(Described):
    """What a guest may do; the clients themselves hold it."""

    hosts: tuple[str, ...] = ()
    concurrent_users: int = Field(default=3, ge=1)
    requests: int = Field(default=500, ge=1)
    connections: int = Field(default=20, ge=1)
    seconds: float = Field(default=300, gt=0)
    rate_per_s: float | None = Field(default=None, gt=0)
    load: Load | None = None
    faults: tuple[str, ...] = ()


class Description(Described):
    """Everything that the probes know about a platform."""

    name: str = "deployment"
    auth: Authentication
    accounts: Accounts | None = None
    conversation: Conversation | None = None
    websocket: WebSocketDescription | None = None
    persistence: Persistence | None = None
    billing: Operation | None = None
    """A request that reads the user's own figures, where the platform has one."""
    health: dict[str, Operation] = {}
    ready: Operation | None = None
    """A request that is accepted as soon as the platform serves, after a cold start say."""
    facts: tuple[str, ...] = ()
    """Regular expressions of which a right answer matches at least one."""
    silence_after_s: float = Field(default=10.0, gt=0)
    verify_tls: bool = True
