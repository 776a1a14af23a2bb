"""What a transport is: it carries messages over a socket, whatever the framing.

``json`` and ``socketio`` ship with the workbook; a target may name its own by import string.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from gp_helpers.parameters import ParameterError

if TYPE_CHECKING:
    from gp_helpers.parameters import Description

_BUILT_IN = {
    "json": "gp_helpers.targets.transports.json_text:JsonTransport",
    "socketio": "gp_helpers.targets.transports.socketio:SocketIoTransport",
}
MAX_MESSAGE_BYTES = 4_194_304
"""A larger message ends its connection."""
_EXTRAS = {"socketio": "socketio"}
"""The extra of this package that a transport needs."""


@dataclass(frozen=True, slots=True)
class Detour:
    """A proxy to connect to in place of the URL's own address; Host and SNI stay the URL's."""

    host: str
    port: int
    begins_tls: bool = False
    """It begins the platform's TLS itself, so that it can look at messages: talk to it in plain."""
    refusals: Sequence[str] = ()
    """Why it could not reach the platform, each time."""

    def url(self, stated: str) -> str:
        """What to open in place of a URL."""
        scheme, separator, rest = stated.partition("://")
        if not self.begins_tls or scheme not in _PLAIN:
            return stated
        authority, slash, path = rest.partition("/")
        return f"{_PLAIN[scheme]}{separator}{authority.removesuffix(':443')}{slash}{path}"


_PLAIN = {"wss": "ws", "https": "http"}


@dataclass(frozen=True, slots=True)
class Handshake:
    """What a transport needs to open a socket."""

    url: str
    headers: Sequence[tuple[str, str]] = ()
    subprotocols: Sequence[str] = ()
    timeout_s: float = 10.0
    max_message_bytes: int = MAX_MESSAGE_BYTES
    verify_tls: bool = True
    ca_file: str | None = None
    """A file of certificates (PEM) to trust beside the system's."""
    options: Mapping[str, Any] = field(default_factory=dict)
    via: Detour | None = None
    """A proxy that stands in front of the platform."""


@dataclass(frozen=True, slots=True)
class Received:
    """One frame from the platform."""

    message: Any
    """The decoded message; None if it could not be decoded."""
    raw: str
    """The text as it came, whole: only then are the secrets in it known and taken out."""
    undecodable: str | None = None
    binary: bytes | None = None
    """What a binary frame held; ``raw`` is empty then."""


class HandshakeRefused(Exception):
    """Raised when the handshake ends without a socket.

    ``status`` is None when there was no HTTP answer at all.
    """

    def __init__(
        self,
        status: int | None,
        reason: str,
        headers: Sequence[tuple[str, str]] = (),
        body: str = "",
    ) -> None:
        super().__init__(f"handshake refused: {status or 'no HTTP answer'} {reason}")
        self.status = status
        self.reason = reason
        self.headers = tuple(headers)
        self.body = body


class ChannelClosed(Exception):
    """Raised when the socket is closed; ``by`` is us, them or nobody (no close frame)."""

    def __init__(self, code: int, reason: str, by: str) -> None:
        super().__init__(f"closed with {code} {reason!r} by {by}")
        self.code = code
        self.reason = reason
        self.by = by


class Channel(Protocol):
    """An open socket."""

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol that the platform selected."""
        ...

    async def send(self, message: Any) -> None:
        """Send a message; raises `ChannelClosed`."""
        ...

    async def receive(self) -> Received:
        """The next message; raises `ChannelClosed`."""
        ...

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close properly, with the closing handshake."""
        ...

    async def abort(self) -> None:
        """Drop the connection without a word, as a tunnel does."""
        ...


class Transport(Protocol):
    """Opens channels.

    One that also has ``message_in(text)``, the message in a text frame as a channel would receive
    it, lets faults look at messages on their way.
    """

    async def open(self, handshake: Handshake) -> Channel:
        """Open a socket; raises `HandshakeRefused`."""
        ...


def reader_of(name: str) -> Callable[[str], Any] | None:
    """What reads the message in a text frame of a transport (None: there is none in it).

    None for a transport of somebody's own that has no ``message_in``.
    """
    reader: Callable[[str], Any] | None = getattr(transport(name), "message_in", None)
    return reader


def require_transport(target: Description) -> None:
    """Raise `ParameterError` if what a target states as its transport cannot be imported."""
    websocket = target.websocket
    try:
        if websocket is not None:
            transport(websocket.transport)
    except ValueError as error:
        raise ParameterError("target.websocket.transport", [str(error)]) from None


def transport(name: str) -> Transport:
    """A transport by name or by import string; ``ValueError`` says what is allowed."""
    target = _BUILT_IN.get(name, name)
    module_name, _, attribute = target.partition(":")
    if not attribute:
        known = ", ".join(_BUILT_IN)
        raise ValueError(f"unknown transport {name!r}; allowed: {known}, or package.module:name")
    try:
        made: Transport = getattr(importlib.import_module(module_name), attribute)()
    except Exception as error:  # somebody's own module may raise what it likes
        extra = _EXTRAS.get(name)
        hint = f"; it needs the extra {extra}: pip install 'golden-path-workbook[{extra}]'"
        raise ValueError(
            f"transport {name!r} cannot be imported: {error}{hint if extra else ''}"
        ) from error
    return made
