"""Socket.IO, on python-socketio's client (the extra ``socketio``), without its reconnecting.

A message is ``{"event": name, "data": first argument, "args": all arguments}`` in both directions;
what is sent needs only ``event``, and has no argument without ``data``. The first to come is
``{"event": "connect"}``. What cannot be decoded, and events with binary parts, are kept as such.
"""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from socketio.exceptions import SocketIOError

from gp_helpers.targets.tls import tls_context
from gp_helpers.targets.transports.base import (
    Channel,
    ChannelClosed,
    Handshake,
    HandshakeRefused,
    Received,
)
from gp_helpers.targets.transports.socketio_client import BoundedClient, Inbox, event_in

_CLOSE_WITHIN_S = 2.0


class _Elsewhere(AbstractResolver):
    """Resolves every name to one address, so that Host and SNI stay those of the URL."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> list[ResolveResult]:
        del port
        return [
            {
                "hostname": host,
                "host": self._host,
                "port": self._port,
                "family": family,
                "proto": 0,
                "flags": 0,
            }
        ]

    async def close(self) -> None:
        """Nothing is held."""


class SocketIoChannel:
    """An open Socket.IO connection in one namespace."""

    subprotocol: str | None = None

    def __init__(self, session: aiohttp.ClientSession, namespace: str, stated: Handshake) -> None:
        self._inbox = Inbox()
        self.client = BoundedClient(
            self._inbox,
            namespace,
            http_session=session,
            # Engine.IO moves cookies into the session's jar unless they come this way.
            websocket_extra_options={
                "headers": dict(stated.headers),
                "max_msg_size": stated.max_message_bytes,
                "timeout": aiohttp.ClientWSTimeout(ws_close=_CLOSE_WITHIN_S),
            },
        )
        self._session = session
        self._namespace = namespace
        self._closed_by_us: int | None = None

    async def send(self, message: Any) -> None:
        if not self.client.connected:
            raise self._end()
        if not isinstance(message, Mapping) or "event" not in message:
            raise ValueError(f"a Socket.IO message is {{event, data}}, not {message!r}")
        try:
            await self.client.emit(
                str(message["event"]), message.get("data"), namespace=self._namespace
            )
        except SocketIOError as error:
            raise self._end() from error

    async def receive(self) -> Received:
        taken = await self._inbox.take()
        if taken is None:
            await self._leave()
            raise self._end()
        if taken.undecodable is not None:
            return Received(None, taken.raw, taken.undecodable, binary=taken.binary)
        message = message_of(taken.event)
        return Received(message, json.dumps(message))

    def _end(self) -> ChannelClosed:
        if self._closed_by_us is not None:
            return ChannelClosed(self._closed_by_us, "", "us")
        return ChannelClosed(1006, "disconnected", "them")

    async def close(self, code: int = 1000, reason: str = "") -> None:
        del reason
        self._closed_by_us = code
        self._inbox.close()
        try:
            async with asyncio.timeout(_CLOSE_WITHIN_S):
                if self.client.eio.state == "connected":
                    await self.client.disconnect()
        except (TimeoutError, SocketIOError, OSError, aiohttp.ClientError):
            pass
        finally:
            await self._leave()

    async def abort(self) -> None:
        self._closed_by_us = 1006
        self._inbox.close()
        await self._leave()

    async def _leave(self) -> None:
        """End whatever is left of the connection, which everything that still waits notices."""
        websocket = self.client.eio.ws
        connection = websocket and websocket.get_extra_info("socket")
        if connection is not None:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        await self.client.end_tasks(within_s=_CLOSE_WITHIN_S)
        if websocket is not None:
            with suppress(TimeoutError, OSError, aiohttp.ClientError):
                await asyncio.wait_for(websocket.close(), _CLOSE_WITHIN_S)
        await self._session.close()


def message_of(event: Sequence[Any]) -> dict[str, Any]:
    """An event with its arguments, as a message."""
    name, *arguments = event
    return {"event": name, "data": arguments[0] if arguments else None, "args": arguments}


class SocketIoTransport:
    """Opens Socket.IO connections, over WebSocket alone.

    Options: ``namespace`` (default ``/``), ``path`` (default ``socket.io``), ``auth`` (a mapping).
    """

    def message_in(self, text: str) -> Any:
        """The message in a text frame of Engine.IO; None if it is no event."""
        event = event_in(text)
        return message_of(event) if event else None

    async def open(self, handshake: Handshake) -> Channel:
        options, via = handshake.options, handshake.via
        namespace = str(options.get("namespace", "/"))
        context: ssl.SSLContext | bool = True
        if handshake.url.startswith(("wss:", "https:")):
            context = tls_context(verify=handshake.verify_tls, ca_file=handshake.ca_file)
        resolver = _Elsewhere(via.host, via.port) if via is not None else None
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=context, resolver=resolver),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            trace_configs=[_refusing_redirects()],
        )
        channel = SocketIoChannel(session, namespace, handshake)
        try:
            async with asyncio.timeout(handshake.timeout_s):
                await channel.client.connect(
                    via.url(handshake.url) if via is not None else handshake.url,
                    auth=options.get("auth"),
                    transports=["websocket"],
                    namespaces=[namespace],
                    socketio_path=str(options.get("path", "socket.io")),
                    wait_timeout=handshake.timeout_s,
                )
        except _RedirectedError as redirect:
            await channel.close()
            raise HandshakeRefused(redirect.status, f"redirects to {redirect.to}") from redirect
        except Exception as error:  # whatever a platform's answers make the library raise
            await channel.close()
            raise HandshakeRefused(_status_of(error), f"{type(error).__name__}: {error}") from error
        except BaseException:
            await channel.close()
            raise
        return channel


class _RedirectedError(Exception):
    """The server sends the handshake elsewhere; the probes do not follow."""

    def __init__(self, status: int, to: str) -> None:
        super().__init__(f"{status} to {to}")
        self.status, self.to = status, to


def _refusing_redirects() -> aiohttp.TraceConfig:
    async def refuse(_: Any, __: Any, redirected: aiohttp.TraceRequestRedirectParams) -> None:
        response = redirected.response
        raise _RedirectedError(response.status, response.headers.get("Location", ""))

    config = aiohttp.TraceConfig()
    config.on_request_redirect.append(refuse)
    return config


_REFUSED = 403


def _status_of(error: BaseException) -> int | None:
    """The HTTP status of a refusal; 403 where the server refused in Socket.IO's own words."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, aiohttp.WSServerHandshakeError):
            return cause.status
        cause = cause.__cause__ or cause.__context__
    return _REFUSED if "failed to connect" in str(error) else None
