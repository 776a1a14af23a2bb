"""One request's way through the ingress: to an instance and back, or into one of the rules."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeGuard

import h11

from gp_helpers.cloud_run.clock import Clock
from gp_helpers.cloud_run.headers import (
    RawHeaders,
    affinity_cookie,
    affinity_of,
    error_body,
    header_value,
    is_websocket,
    with_hop,
)
from gp_helpers.cloud_run.http_wire import Event, HttpWire
from gp_helpers.cloud_run.placement import PlacementRequest
from gp_helpers.cloud_run.relay import ClientGone, Relay, UpstreamFailed, unless_client_leaves
from gp_helpers.cloud_run.revision import Refusal
from gp_helpers.cloud_run.settings import RevisionSettings
from gp_helpers.cloud_run.upstreams import Upstreams
from gp_helpers.cloud_run.wire import Wire

logger = logging.getLogger(__name__)

_MOST_UNREAD = 1 << 20
_UNREAD_WITHIN_S = 1.0
"""So much of a body is read after its response; a client that sends more loses its connection."""


class Refused(Exception):
    """Raised when a request is not given to an instance."""

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal
        super().__init__(refusal.value)


class InstanceFailed(Exception):
    """Raised when an instance refuses or breaks the connection, or answers malformed HTTP."""


@dataclass(slots=True)
class Counters:
    """What the ingress has done so far."""

    requests: int = 0
    """All that came, WebSockets included."""
    websockets: int = 0
    """Those that were upgraded."""
    too_many: int = 0
    """Answered with 429."""
    timed_out: int = 0
    """Answered with 504: no response within the request timeout."""
    cut: int = 0
    """Cut in mid-response, or a WebSocket, by the request timeout."""
    idle_cut: int = 0
    """WebSockets cut by the idle timeout of the proxy in front."""
    bad_gateway: int = 0
    """Answered with 503: an instance did not start, or broke the connection."""
    client_gone: int = 0
    """Ended by the client before it had its answer."""


@dataclass(slots=True)
class Placed:
    """The instance that a request was given to."""

    instance_id: str
    host: str
    port: int


@dataclass(slots=True)
class Exchange:
    """Forwards one request; `run` returns whether the client's connection can be used again."""

    number: int
    request: h11.Request
    client: HttpWire
    settings: RevisionSettings
    clock: Clock
    counters: Counters
    upstreams: Upstreams
    place: Callable[[PlacementRequest], Coroutine[Any, Any, Placed]]
    release: Callable[[str], None]
    """Called with the instance when the request has ended."""
    upgraded: Callable[[str, int], None]
    """Called with the instance and +1 or -1 when a WebSocket opens or ends."""
    response_has_begun: bool = field(default=False, init=False)
    correlation_id: str = field(default="", init=False)

    async def run(self) -> bool:
        deadline = self.clock.time() + self.settings.scaled(self.settings.request_timeout_s)
        raw = self.request.headers.raw_items()
        headers = with_hop(list(raw), self.client.wire.client_address)
        self.correlation_id = header_value(headers, b"x-correlation-id") or ""
        ticket = PlacementRequest(
            id=self.number,
            path=self.request.target.decode("latin-1"),
            headers={k.decode("latin-1").lower(): v.decode("latin-1") for k, v in headers},
            is_websocket=is_websocket(headers),
            client=self.client.wire.client_address,
            affinity=affinity_of(headers) if self.settings.session_affinity else None,
        )
        try:
            async with self.clock.timeout_at(deadline):
                return await self._through_an_instance(ticket, headers)
        except TimeoutError:
            return await self._time_out()
        except Refused as refused:
            return await self._refuse(refused.refusal)
        except InstanceFailed as failure:
            return await self._fail(str(failure))
        except ClientGone:
            self.counters.client_gone += 1
            self.client.wire.close()
            return False

    async def _through_an_instance(self, ticket: PlacementRequest, headers: RawHeaders) -> bool:
        placed = await unless_client_leaves(self.client, self.place(ticket))
        try:
            upstream = await self._connect(placed)
            relay = Relay(self.request, self.client, upstream)
            try:
                forwarding = self._forward(relay, headers, ticket, placed)
                if await unless_client_leaves(self.client, forwarding):
                    await self._tunnel(relay, upstream, placed)
                    return False
            finally:
                self.upstreams.give_back(placed.host, placed.port, upstream)
        finally:
            self.release(placed.instance_id)
        return await self._next_cycle()

    async def _forward(
        self, relay: Relay, headers: RawHeaders, ticket: PlacementRequest, placed: Placed
    ) -> bool:
        """Forward the request and its response; return whether the protocol was switched."""
        binds = self.settings.session_affinity and ticket.affinity != placed.instance_id
        extra = [affinity_cookie(placed.instance_id)] if binds else []

        async def forward(event: Event) -> None:
            if isinstance(event, h11.Response) or _switches(event):
                self.response_has_begun = True
                event = _with_headers(event, extra)
            await relay.to_client(event)

        try:
            await relay.send_request(headers, is_websocket=ticket.is_websocket)
            return await relay.exchange(forward)
        except UpstreamFailed as error:
            raise InstanceFailed(f"{placed.instance_id}: {error}") from error

    async def _connect(self, placed: Placed) -> HttpWire:
        try:
            return await self.upstreams.take(placed.host, placed.port)
        except OSError as error:
            raise InstanceFailed(f"{placed.instance_id} refused the connection") from error

    async def _tunnel(self, relay: Relay, upstream: HttpWire, placed: Placed) -> None:
        """Splice the two connections until both are closed, or a timeout cuts them."""
        self.counters.websockets += 1
        self.upgraded(placed.instance_id, 1)
        try:
            relay.splice()
            await self._until_closed(upstream.wire)
        finally:
            self.upgraded(placed.instance_id, -1)

    async def _until_closed(self, upstream: Wire) -> None:
        client = self.client.wire
        while not client.closed.is_set():
            if self.settings.idle_timeout_s is None:
                await client.closed.wait()
                return
            quiet_since = max(client.last_activity, upstream.last_activity)
            idle_until = quiet_since + self.settings.scaled(self.settings.idle_timeout_s)
            if self.clock.time() >= idle_until:
                self.counters.idle_cut += 1
                client.abort()
                return
            with suppress(TimeoutError):
                async with self.clock.timeout_at(idle_until):
                    await client.closed.wait()

    async def _next_cycle(self) -> bool:
        state = self.client.state
        if state.our_state is h11.DONE:
            await self._read_the_rest()
        if state.our_state is not h11.DONE or state.their_state is not h11.DONE:
            self.client.wire.close()
            return False
        state.start_next_cycle()
        return True

    async def _read_the_rest(self) -> None:
        """Read what is left of a body that the instance did not wait for.

        The client was not told that its connection ends, and sends its next request on it.
        """
        left = _MOST_UNREAD
        with suppress(TimeoutError, ConnectionError, h11.RemoteProtocolError):
            async with asyncio.timeout(_UNREAD_WITHIN_S):
                while self.client.state.their_state is h11.SEND_BODY and left > 0:
                    event = await self.client.next_event()
                    if not isinstance(event, h11.Data | h11.EndOfMessage):
                        return
                    left -= len(event.data) if isinstance(event, h11.Data) else 0

    async def _time_out(self) -> bool:
        if self.response_has_begun:
            self.counters.cut += 1
            self.client.wire.abort()
            return False
        self.counters.timed_out += 1
        return await self._answer(504, "request_timeout", "no response within the request timeout")

    async def _refuse(self, refusal: Refusal) -> bool:
        if refusal is Refusal.QUEUE_TIMEOUT:
            self.counters.too_many += 1
            return await self._answer(429, "no_instance", "no instance had room in time")
        return await self._fail("the instance did not start")

    async def _fail(self, reason: str) -> bool:
        self.counters.bad_gateway += 1
        logger.warning("request failed: %s", reason, extra={"correlation_id": self.correlation_id})
        if self.response_has_begun:
            self.client.wire.abort()
            return False
        return await self._answer(503, "instance_failed", reason)

    async def _answer(self, status: int, code: str, message: str) -> bool:
        """Answer in the place of an instance, and close."""
        body = error_body(code, message, retryable=True, correlation_id=self.correlation_id)
        with suppress(ConnectionError, h11.LocalProtocolError):
            await self.client.respond(status, body)
        self.client.wire.close()
        return False


def _switches(event: Event) -> TypeGuard[h11.InformationalResponse]:
    return isinstance(event, h11.InformationalResponse) and event.status_code == 101


def _with_headers(
    response: h11.Response | h11.InformationalResponse, extra: RawHeaders
) -> h11.Response | h11.InformationalResponse:
    """Return the response with more headers, its own unchanged."""
    return type(response)(
        status_code=response.status_code,
        headers=[*response.headers.raw_items(), *extra],
        http_version=response.http_version,
        reason=response.reason,
    )
