"""JSON over WebSocket text frames, on the ``websockets`` library.

Its keep-alive pings are off: what is on the wire is what the case sent.
"""

from __future__ import annotations

import json
import ssl
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidStatus,
    InvalidURI,
)
from websockets.typing import Subprotocol

from gp_helpers.targets.tls import tls_context
from gp_helpers.targets.transports.base import (
    Channel,
    ChannelClosed,
    Handshake,
    HandshakeRefused,
    Received,
)
from gp_helpers.targets.transports.decoding import UndecodableError, decoded_json

_MOST_QUEUED = 16
"""Messages that wait for the reader; beyond these the platform is not read from."""


def decode(frame: str | bytes) -> Received:
    """Decode one frame; anything that is not JSON is kept as undecodable."""
    if isinstance(frame, bytes):
        return Received(None, "", "a binary frame", binary=frame)
    try:
        return Received(decoded_json(frame), frame)
    except UndecodableError as error:
        return Received(None, frame, str(error))


def _closed(error: ConnectionClosed) -> ChannelClosed:
    if error.rcvd is not None:
        by = "us" if error.sent is not None and error.rcvd_then_sent is False else "them"
        return ChannelClosed(error.rcvd.code, error.rcvd.reason, by)
    if error.sent is not None:
        by = "us" if error.sent.code in (1000, 1001) else "nobody"
        return ChannelClosed(error.sent.code if by == "us" else 1006, error.sent.reason, by)
    return ChannelClosed(1006, "no close frame", "nobody")


class JsonChannel:
    """An open WebSocket that speaks JSON."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    @property
    def subprotocol(self) -> str | None:
        return self._connection.subprotocol

    async def send(self, message: Any) -> None:
        text = message if isinstance(message, str) else json.dumps(message)
        try:
            await self._connection.send(text)
        except ConnectionClosed as error:
            raise _closed(error) from error

    async def receive(self) -> Received:
        try:
            return decode(await self._connection.recv())
        except ConnectionClosed as error:
            raise _closed(error) from error

    async def close(self, code: int = 1000, reason: str = "") -> None:
        await self._connection.close(code, reason)

    async def abort(self) -> None:
        self._connection.transport.abort()
        await self._connection.wait_closed()


class _Connection(ClientConnection):
    """Reads no more while the platform does not read what it asked for, pongs for instance."""

    def pause_writing(self) -> None:
        super().pause_writing()
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        super().resume_writing()
        self.transport.resume_reading()


class _ConnectWithoutRedirects(connect):
    """Where a server sends people is on record; the probes do not follow."""

    def process_redirect(self, exc: Exception) -> Exception:
        return exc


_NO_SOCKET = (InvalidHandshake, InvalidURI, ConnectionClosed, OSError, EOFError, ValueError)
"""`ValueError`: what the platform gave us, its token say, cannot stand in a header."""


class JsonTransport:
    """Opens WebSockets that carry one JSON value a text frame."""

    def message_in(self, text: str) -> Any:
        """The message in a text frame; None if it is not JSON."""
        return decode(text).message

    async def open(self, handshake: Handshake) -> Channel:
        via = handshake.via
        url = via.url(handshake.url) if via is not None else handshake.url
        secure = url.startswith("wss:")
        context: ssl.SSLContext | None = None
        if secure:
            context = tls_context(verify=handshake.verify_tls, ca_file=handshake.ca_file)
        elsewhere: dict[str, Any] = {}
        if via is not None:
            elsewhere = {"host": via.host, "port": via.port}
        try:
            connection = await _ConnectWithoutRedirects(
                url,
                additional_headers=list(handshake.headers),
                subprotocols=[Subprotocol(name) for name in handshake.subprotocols] or None,
                compression=None,
                proxy=None,
                ping_interval=None,
                open_timeout=handshake.timeout_s,
                close_timeout=2.0,
                max_size=handshake.max_message_bytes,
                max_queue=_MOST_QUEUED,
                create_connection=_Connection,
                ssl=context,
                **elsewhere,
                process_exception=lambda error: error,
            )
        except InvalidStatus as error:
            response = error.response
            raise HandshakeRefused(
                response.status_code,
                response.reason_phrase,
                tuple(response.headers.raw_items()),
                bytes(response.body or b"").decode("utf-8", "replace"),
            ) from error
        except _NO_SOCKET as error:
            raise HandshakeRefused(None, f"{type(error).__name__}: {error}") from error
        return JsonChannel(connection)
