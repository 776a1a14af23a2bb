"""The socket of a description: how to open it, ask, and recognise what comes back.

Predicates and paths are JMESPath over one message.
"""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from gp_helpers.parameters.operations import Described, Flag, Operation, compiles
from gp_helpers.parameters.sendable import HeaderName, HeaderValue

TRANSPORTS = ("json", "socketio")
"""Those that come with the workbook."""
EVENTS = (
    "agent_started",
    "agent_thinking",
    "tool_executing",
    "tool_completed",
    "agent_completed",
)
"""The plan's five events, in order."""


class EventRule(Described):
    """When messages amount to an event, where one predicate over one message does not say it."""

    when: str | None = None
    all_of: tuple[str, ...] = ()
    """The event has happened when each of these has matched some message of the request."""
    repeats: Flag = False
    """More messages of the request may match (parts of a stream): the first one is the event."""

    @field_validator("when", "all_of")
    @classmethod
    def _compile(cls, found: Any) -> Any:
        for predicate in [found] if isinstance(found, str) else found or ():
            compiles(predicate)
        return found

    @model_validator(mode="after")
    def _one_or_many(self) -> EventRule:
        if (self.when is None) == (not self.all_of):
            raise ValueError("state exactly one of when and all_of")
        return self

    @property
    def predicates(self) -> tuple[str, ...]:
        """What has to match."""
        return self.all_of if self.when is None else (self.when,)


class Lineage(Described):
    """Messages that name the message which they follow from: what follows belongs to its request.

    A message belongs to a request if its parent is the request's id, or a message that does.
    """

    id: str
    """JMESPath path to a message's own id."""
    parent: str
    """JMESPath path to the id of the message that it follows from."""

    _paths = field_validator("id", "parent")(compiles)


class Ping(Described):
    """A message that the platform answers at once."""

    send: Any
    pong: str

    _pong = field_validator("pong")(compiles)


class Modes(Described):
    """Modes in which the socket can be opened, and where the platform advertises them."""

    advertised: Operation
    names: str
    """JMESPath path to the list of names in the response."""
    query: dict[str, str] = {"mode": "{mode}"}
    """What asks for a mode in the socket's URL."""

    _names = field_validator("names")(compiles)


class WebSocketDescription(Described):
    """How to open the socket, ask, and recognise what comes back; predicates see the message."""

    url: str
    transport: str = "json"
    """``json``, ``socketio``, or ``package.module:Transport`` of one's own."""
    present_token: Literal["header", "subprotocol", "query", "cookie", "first_message", "none"] = (
        "header"
    )
    subprotocols: tuple[HeaderValue, ...] = ()
    token_subprotocol: HeaderValue = "jwt.{token_base64url}"
    token_query: str = "token"
    token_cookie: HeaderValue = "access_token"
    first_message: Any = None
    """What is sent as soon as the socket is open, however the token is presented; a list is sent
    message by message."""
    headers: dict[HeaderName, HeaderValue] = {}
    ready: str | None = None
    refused: str | None = None
    """Predicate: the message refuses the token, on a socket that is open already."""
    identity: str | None = None
    """JMESPath path, in the message that says ready, to the user id of the connection."""
    lifetime_s: str | None = None
    """JMESPath path, there too, to the seconds that the connection is told to live."""
    request: Any
    request_ids: Literal["text", "uuid", "number"] = "text"
    """What ``{request_id}`` is: a readable text, a UUID of version 4, or a number that grows."""
    correlate: str | None = None
    """Predicate with placeholders: the message belongs to this request."""
    lineage: Lineage | None = None
    events: dict[str, str | EventRule] = Field(min_length=1)
    """Those of the plan's five that the platform has, in the order in which it sends them."""
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
    in_the_name_of: dict[str, Any] | None = None
    """Fields of a request with which a client could pose as another user; to be refused."""
    ignore: tuple[str, ...] = ()
    """Predicates of messages that say nothing, heartbeats for instance."""
    options: dict[str, Any] = {}
    """Options of the transport (namespace, path and auth of Socket.IO), with placeholders."""

    _paths = field_validator(
        "ready",
        "identity",
        "lifetime_s",
        "answer",
        "answer_chunk",
        "event_id",
        "event_owner",
        "error",
        "refused",
    )(compiles)

    @field_validator("transport")
    @classmethod
    def _known_transport(cls, name: str) -> str:
        if name not in TRANSPORTS and not re.fullmatch(r"[\w.]+:\w+", name):
            allowed = ", ".join(TRANSPORTS)
            raise ValueError(f"unknown transport; allowed: {allowed}, or package.module:Transport")
        return name

    @field_validator("ignore")
    @classmethod
    def _ignored(cls, predicates: tuple[str, ...]) -> tuple[str, ...]:
        for predicate in predicates:
            compiles(predicate)
        return predicates

    @field_validator("events")
    @classmethod
    def _known_events(cls, events: dict[str, str | EventRule]) -> dict[str, str | EventRule]:
        unknown = sorted(set(events) - set(EVENTS))
        if unknown:
            raise ValueError(f"unknown event {', '.join(unknown)}; allowed: {', '.join(EVENTS)}")
        if EVENTS[-1] not in events:
            raise ValueError(f"{EVENTS[-1]} must be among them: it ends a request")
        for rule in events.values():
            if isinstance(rule, str):
                compiles(rule)
        return events

    @model_validator(mode="after")
    def _sends_its_first_message(self) -> WebSocketDescription:
        if self.present_token == "first_message" and self.first_message is None:
            raise ValueError("present_token: first_message needs first_message")
        return self

    @property
    def rules(self) -> dict[str, EventRule]:
        """What amounts to each event that the platform has, in the order of the file."""
        return {
            name: EventRule(when=rule) if isinstance(rule, str) else rule
            for name, rule in self.events.items()
        }
