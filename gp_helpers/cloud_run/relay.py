"""Forwards one HTTP/1.1 request and its response between two connections of a hop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

import h11

from gp_helpers.cloud_run.headers import RawHeaders
from gp_helpers.cloud_run.http_wire import Event, HttpWire

T = TypeVar("T")


class UpstreamFailed(Exception):
    """Raised when the server breaks the connection, or answers malformed HTTP."""


class ClientGone(Exception):
    """Raised when the client ends its connection before it has its answer."""


async def unless_client_leaves(client: HttpWire, work: Coroutine[Any, Any, T]) -> T:
    """Return what `work` returns; cancel it if the client ends its connection first.

    Raises:
        ClientGone: the client has left.
    """
    working = asyncio.create_task(work)
    leaving = asyncio.create_task(client.wire.ended.wait())
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientGone
        return working.result()
    finally:
        for task in (working, leaving):
            task.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


class Relay:
    """One request on its way from a client to a server, and its response on the way back."""

    def __init__(self, request: h11.Request, client: HttpWire, upstream: HttpWire) -> None:
        self._request = request
        self._client = client
        self._upstream = upstream

    async def send_request(self, headers: RawHeaders, *, is_websocket: bool) -> None:
        """Send the request's head with `headers` in the place of its own; start with its body.

        A WebSocket's handshake is sent whole, since h11 must have seen its end before a 101.
        """
        head = h11.Request(
            method=self._request.method,
            target=self._request.target,
            headers=headers,
            http_version=self._request.http_version,
        )
        await self._to_upstream(head)
        if is_websocket:
            await self._send_body()

    async def exchange(self, forward: Callable[[Event], Coroutine[Any, Any, None]]) -> bool:
        """Send the body while the response comes; return whether the protocol was switched.

        Args:
            forward: Called with each event of the response, to send it to the client.
        """
        sending = asyncio.create_task(self._send_body())
        try:
            return await self._receive_response(forward)
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    async def to_client(self, event: Event) -> None:
        """Send `event` to the client.

        Raises:
            ClientGone: the client has left.
        """
        try:
            await self._client.send(event)
        except ConnectionError as error:
            raise ClientGone from error

    def splice(self) -> None:
        """After a switch of protocols: pass bytes on unread, in both directions."""
        client, upstream = self._client, self._upstream
        client.wire.splice(upstream.wire, first=client.early_data)
        upstream.wire.splice(client.wire, first=upstream.early_data)

    async def _to_upstream(self, event: Event) -> None:
        try:
            await self._upstream.send(event)
        except ConnectionError as error:
            raise UpstreamFailed(str(error)) from error

    async def _send_body(self) -> None:
        """Send until the request's end; whether the server read it shows in its response."""
        while self._client.state.their_state is h11.SEND_BODY:
            event = await self._client.next_event()
            if not isinstance(event, h11.Data | h11.EndOfMessage):
                return
            with suppress(ConnectionError, h11.LocalProtocolError):
                await self._upstream.send(event)

    async def _receive_response(
        self, forward: Callable[[Event], Coroutine[Any, Any, None]]
    ) -> bool:
        while True:
            try:
                event = await self._upstream.next_event()
            except (ConnectionError, h11.RemoteProtocolError) as error:
                raise UpstreamFailed(str(error)) from error
            if event is None or isinstance(event, h11.ConnectionClosed):
                raise UpstreamFailed("the connection was closed without a response")
            await forward(event)
            if isinstance(event, h11.EndOfMessage):
                return False
            if isinstance(event, h11.InformationalResponse) and event.status_code == 101:
                return True
