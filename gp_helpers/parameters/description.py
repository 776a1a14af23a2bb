"""The description of a platform: how to log in, present a token, connect, ask, and read replies.

A deployment's parameter file states it; the embedded target fills in the same model with its own
addresses, so that the probes know one way to talk to a platform.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import Field, field_validator

from gp_helpers.parameters.operations import (
    SUCCESS,
    Accounts,
    Authentication,
    Basic,
    Described,
    Flag,
    Number,
    OAuth2,
    Operation,
    Token,
    WholeNumber,
    compiles,
)
from gp_helpers.parameters.sockets import (
    EVENTS,
    EventRule,
    Lineage,
    Modes,
    Ping,
    WebSocketDescription,
)

__all__ = [
    "EVENTS",
    "FAULTS",
    "SUCCESS",
    "Accounts",
    "Authentication",
    "Basic",
    "Conversation",
    "Described",
    "Description",
    "EventRule",
    "Judge",
    "Limits",
    "Lineage",
    "Load",
    "Modes",
    "OAuth2",
    "Operation",
    "Persistence",
    "Ping",
    "Token",
    "WebSocketDescription",
    "states",
]

FAULTS = {
    "network_cut": "connections of the probes are dropped without a close frame, and delayed",
    "frame_delay": "messages on the probes' own sockets take longer",
    "frame_hold": "messages on the probes' own sockets are held until others have passed",
    "frame_reorder": "messages on the probes' own sockets are overtaken by later ones",
    "frame_drop": "messages on the probes' own sockets are never passed on",
    "frame_duplicate": "messages on the probes' own sockets are passed on more than once",
    "frame_close": "the probes' own sockets are closed on both sides with a code",
}
"""What a target may allow by name in ``limits.faults``; what it does not name does not happen."""


class Conversation(Described):
    """A request that opens a conversation, where the platform wants one before a question."""

    create: Operation
    id: str
    """JMESPath path to the conversation's id in the response."""
    close: Operation | None = None
    """What ends it (``{thread_id}``), so that a guest leaves nothing behind."""

    _id = field_validator("id")(compiles)


class Persistence(Operation):
    """A request that reads a conversation back, and how to tell that the question is in it."""

    found: str | None = None
    """JMESPath with placeholders (``{text}``, ``{request_id}``): how often a question is stored,
    as a number or a list; ``true`` does not show that it is stored once. Without it a stored text
    has to be the question, character by character."""
    items: str | None = None
    """JMESPath path to the list of stored messages; each is expected to have ``content``."""

    _expressions = field_validator("found", "items")(compiles)


class Judge(Described):
    """A model that says whether an answer addresses its question: OpenAI-compatible."""

    url: str
    """Of the chat completions endpoint; its host needs no place in ``limits.hosts``."""
    model: str
    api_key: str | None = None
    criteria: str = "The answer addresses the question and says something of substance about it."


class Load(Described):
    """How much load a target allows: an open loop of so many users at this rate."""

    users: WholeNumber = Field(default=5, ge=1, le=1000)
    rate_per_s: Number = Field(default=2.0, gt=0)


class Limits(Described):
    """What a guest may do; the clients themselves hold it."""

    hosts: tuple[str, ...] = ()
    """``name`` or ``name:port``; none named: those that the file's own URLs have."""
    concurrent_users: WholeNumber = Field(default=3, ge=1)
    requests: WholeNumber = Field(default=500, ge=1)
    connections: WholeNumber = Field(default=20, ge=1)
    seconds: Number = Field(default=300, gt=0)
    rate_per_s: Number | None = Field(default=None, gt=0)
    load: Load | None = None
    faults: Annotated[
        tuple[str, ...], Field(json_schema_extra={"items": {"enum": list(FAULTS)}})
    ] = ()
    """Faults between the probes and the platform that are allowed, by name."""

    @field_validator("faults")
    @classmethod
    def _known_faults(cls, faults: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [name for name in faults if name not in FAULTS]
        if unknown:
            raise ValueError(f"unknown fault {', '.join(unknown)}; allowed: {', '.join(FAULTS)}")
        return faults


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
    questions: tuple[str, ...] = ()
    """What to ask in place of the cases' own questions, with placeholders (``{user.canary}``)."""
    least_answer_characters: WholeNumber = Field(default=40, ge=1)
    """An answer of substance has at least so many."""
    facts: tuple[str, ...] = ()
    """Regular expressions, with placeholders, of which a right answer matches at least one."""
    judge: Judge | None = None
    silence_after_s: Number = Field(default=10.0, gt=0)
    verify_tls: Flag = True
    tls_ca_file: str | None = None
    """A file of certificates (PEM) that are trusted beside the system's: a private authority's."""

    @field_validator("facts")
    @classmethod
    def _patterns(cls, facts: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in facts:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{pattern!r} is not a regular expression: {error}") from error
        return facts


def states(description: Description, part: str) -> bool:
    """Whether a description states a part, such as ``websocket.ping``; ``a|b`` is one of both.

    Below a mapping (``auth.validators.identity``) one of its values has to state the rest.
    """
    if "|" in part:
        return any(states(description, one) for one in part.split("|"))
    found: list[Any] = [description]
    for name in part.split("."):
        values = [getattr(value, name, None) for value in found]
        found = [
            inner
            for value in values
            for inner in (value.values() if isinstance(value, dict) else [value])
            if inner is not None and inner not in ((), {})
        ]
    return bool(found)
