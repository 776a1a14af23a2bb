"""One request's way through the ingress: to an instance and back, or into one of the rules."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

import h11

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
from gp_helpers.cloud_run.revision import Refusal
from gp_helpers.cloud_run.settings import RevisionSettings
from gp_helpers.cloud_run.upstreams import Upstreams
from gp_helpers.cloud_run.wire import Wire

T = TypeVar("T")
logger = logging.getLogger(__name__)


class Refused(Exception):
    """Raised when a request is not given to an instance."""

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal
        super().__init__(refusal.value)


class InstanceFailed(Exception):
    """Raised when an instance refuses or breaks the connection, or answers malformed HTTP."""


class ClientGone(Exception):
    """Raised when the client ends its connection before it has its answer."""


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
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.settings.scaled(self.settings.request_timeout_s)
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
            async with asyncio.timeout_at(deadline):
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
        placed = await self._unless_client_leaves(self.place(ticket))
        try:
            upstream = await self._connect(placed)
            try:
                is_switched = await self._unless_client_leaves(
                    self._forward(upstream, headers, ticket, placed)
                )
                if is_switched:
                    await self._tunnel(upstream, placed)
                    return False
            finally:
                self.upstreams.give_back(placed.host, placed.port, upstream)
        finally:
            self.release(placed.instance_id)
        return self._next_cycle()

    async def _connect(self, placed: Placed) -> HttpWire:
        try:
            return await self.upstreams.take(placed.host, placed.port)
        except OSError as error:
            raise InstanceFailed(f"{placed.instance_id} refused the connection") from error

    async def _unless_client_leaves(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what `work` returns; cancel it if the client ends its connection first."""
        working = asyncio.create_task(work)
        leaving = asyncio.create_task(self.client.wire.ended.wait())
        try:
            await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                raise ClientGone
            return working.result()
        finally:
            for task in (working, leaving):
                task.cancel()
            await asyncio.gather(working, leaving, return_exceptions=True)

    async def _forward(
        self, upstream: HttpWire, headers: RawHeaders, ticket: PlacementRequest, placed: Placed
    ) -> bool:
        """Forward the request and its response; return whether the protocol was switched."""
        head = h11.Request(
            method=self.request.method,
            target=self.request.target,
            headers=headers,
            http_version=self.request.http_version,
        )
        extra = [affinity_cookie(placed.instance_id)] if self._binds(ticket, placed) else []
        with from_instance(placed):
            await upstream.send(head)
        sending = asyncio.create_task(self._forward_request_body(upstream))
        try:
            if ticket.is_websocket:
                await sending
            return await self._forward_response(upstream, placed, extra)
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    def _binds(self, ticket: PlacementRequest, placed: Placed) -> bool:
        return self.settings.session_affinity and ticket.affinity != placed.instance_id

    async def _forward_request_body(self, upstream: HttpWire) -> None:
        """Forward until the request's end; whether the instance read it shows in its response."""
        while True:
            event = await self.client.next_event()
            if not isinstance(event, h11.Data | h11.EndOfMessage):
                return
            with suppress(ConnectionError, h11.LocalProtocolError):
                await upstream.send(event)
            if isinstance(event, h11.EndOfMessage):
                return

    async def _forward_response(
        self, upstream: HttpWire, placed: Placed, extra: RawHeaders
    ) -> bool:
        while True:
            with from_instance(placed):
                event = await upstream.next_event()
            match event:
                case h11.InformationalResponse(status_code=101):
                    self.response_has_begun = True
                    await self._send(_with_headers(event, extra))
                    return True
                case h11.Response():
                    self.response_has_begun = True
                    await self._send(_with_headers(event, extra))
                case h11.InformationalResponse() | h11.Data():
                    await self._send(event)
                case h11.EndOfMessage():
                    await self._send(event)
                    return False
                case _:
                    raise InstanceFailed(f"{placed.instance_id} closed without a response")

    async def _send(self, event: Event) -> None:
        try:
            await self.client.send(event)
        except ConnectionError as error:
            raise ClientGone from error

    async def _tunnel(self, upstream: HttpWire, placed: Placed) -> None:
        """Splice the two connections until both are closed, or a timeout cuts them."""
        self.counters.websockets += 1
        self.upgraded(placed.instance_id, 1)
        try:
            self.client.wire.splice(upstream.wire, first=self.client.early_data)
            upstream.wire.splice(self.client.wire, first=upstream.early_data)
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
            if asyncio.get_running_loop().time() >= idle_until:
                self.counters.idle_cut += 1
                client.abort()
                return
            with suppress(TimeoutError):
                async with asyncio.timeout_at(idle_until):
                    await client.closed.wait()

    def _next_cycle(self) -> bool:
        state = self.client.state
        if state.our_state is not h11.DONE or state.their_state is not h11.DONE:
            self.client.wire.close()
            return False
        state.start_next_cycle()
        return True

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


@contextmanager
def from_instance(placed: Placed) -> Iterator[None]:
    """Turn what goes wrong on the instance's side into `InstanceFailed`."""
    try:
        yield
    except (ConnectionError, h11.RemoteProtocolError) as error:
        raise InstanceFailed(f"{placed.instance_id} broke the exchange: {error}") from error


R = TypeVar("R", h11.Response, h11.InformationalResponse)


def _with_headers(response: R, extra: RawHeaders) -> R:
    """Return the response with more headers, its own unchanged."""
    headers = [*response.headers.raw_items(), *extra]
    return type(response)(
        status_code=response.status_code,
        headers=headers,
        http_version=response.http_version,
        reason=response.reason,
    )
