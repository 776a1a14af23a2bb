"""What clients may send, read and checked at the edge, and the small messages the gateway answers.

Whatever is wrong with a client's message becomes a `PlatformError`, so that the connection can
answer it with an `error` message and stay open.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from gp_helpers.platform.contract import AgentRequest, ClientMessage, Priority, ServerMessage
from gp_helpers.platform.errors import PlatformError

Message = dict[str, Any]
"""A message as it goes over the wire."""


@dataclass(frozen=True, slots=True)
class Ping:
    """Asks for a `pong` with the same id."""

    id: str | None = None


@dataclass(frozen=True, slots=True)
class Resume:
    """Asks for every event after the last one that the client has seen."""

    last_event_id: int


@dataclass(frozen=True, slots=True)
class Request:
    """An agent request, and what its sender says of themselves and of its urgency."""

    request: AgentRequest
    claimed_user_id: str | None = None
    urgency: str | int = Priority.NORMAL


Incoming = Ping | Resume | Request


class _Wire(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _PingOnWire(_Wire):
    type: Literal["ping"]
    id: str | None = Field(default=None, max_length=128)

    def read(self) -> Ping:
        return Ping(self.id)


class _ResumeOnWire(_Wire):
    type: Literal["resume"]
    last_event_id: int = Field(ge=0)

    def read(self) -> Resume:
        return Resume(self.last_event_id)


class _RequestOnWire(_Wire):
    type: Literal["agent_request"]
    id: str = Field(min_length=1, max_length=128)
    thread_id: str = Field(min_length=1, max_length=128)
    message: str = Field(min_length=1)
    agent: str | None = Field(default=None, max_length=64)
    priority: str | int = "normal"
    preferences: dict[str, str] = Field(default_factory=dict)
    user_id: str | None = None

    def read(self) -> Request:
        request = AgentRequest(
            id=self.id,
            thread_id=self.thread_id,
            message=self.message,
            agent=self.agent,
            preferences=self.preferences,
        )
        return Request(request, self.user_id, self.priority)


_OnWire = Annotated[_PingOnWire | _ResumeOnWire | _RequestOnWire, Field(discriminator="type")]
_ADAPTER: TypeAdapter[_PingOnWire | _ResumeOnWire | _RequestOnWire] = TypeAdapter(_OnWire)


@dataclass(frozen=True, slots=True)
class Frame:
    """A text message of a client: its raw fields for error replies, and its checked form."""

    fields: Mapping[str, Any] = field(default_factory=dict)

    @property
    def request_id(self) -> str | None:
        """The id that the client gave the message, where it gave a readable one."""
        value = self.fields.get("id")
        return value if isinstance(value, str) else None

    def read(self) -> Incoming:
        """Raises `PlatformError`: `unknown_message_type` or `invalid_request`."""
        known = [str(message) for message in ClientMessage]
        if self.fields.get("type") not in known:
            raise PlatformError("unknown_message_type", f"type must be one of {', '.join(known)}")
        try:
            return _ADAPTER.validate_python(dict(self.fields)).read()
        except ValidationError as error:
            raise PlatformError("invalid_request", _first_problem(error)) from error


def decode(text: str) -> Frame:
    """Raises `PlatformError("invalid_request")` for anything but a JSON object."""
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PlatformError("invalid_request", "The message is not JSON.") from error
    if not isinstance(fields, dict):
        raise PlatformError("invalid_request", "The message is not a JSON object.")
    return Frame(fields)


def encode(message: Mapping[str, Any]) -> str:
    """The text of a message to a client."""
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"))


def error_message(error: PlatformError, request_id: str | None, correlation_id: str) -> Message:
    """The `error` message that answers `request_id`."""
    return {
        "type": str(ServerMessage.ERROR),
        "request_id": request_id,
        "data": error.to_wire(correlation_id),
    }


def pong_message(ping: Ping) -> Message:
    """The answer to a `ping`."""
    return {"type": str(ServerMessage.PONG), "id": ping.id}


def _first_problem(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in problem["loc"][1:]) or "message"
    return f"{place}: {problem['msg']}"
