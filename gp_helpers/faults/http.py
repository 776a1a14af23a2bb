"""A HTTP hop that can fail on request: answers itself, holds, stays silent, loses a response.

>>> async with HttpFault("127.0.0.1", auth_port) as hop:
...     hop.plan.add(Answer(503, {"Retry-After": "1"}), times=1)
...     hop.plan.add(Hold(0.2), times=None, match=Match(path_prefix="/auth/validate"))

What is not planned passes unchanged, WebSockets included.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

import h11

from gp_helpers.cloud_run.headers import is_websocket
from gp_helpers.cloud_run.http_wire import Event, HttpWire
from gp_helpers.cloud_run.relay import ClientGone, Relay, UpstreamFailed, unless_client_leaves
from gp_helpers.cloud_run.sockets import LISTEN_BACKLOG, bound_socket
from gp_helpers.cloud_run.upstreams import Upstreams
from gp_helpers.cloud_run.wire import Wire
from gp_helpers.faults.gates import GateTimeout, OrderGate
from gp_helpers.faults.http_core import (
    Answer,
    Hold,
    HttpFaultPlan,
    HttpMessage,
    Intervention,
    LoseResponse,
    NeverAnswer,
)
from gp_helpers.faults.timing import sleep_until


class HttpFault:
    """Stands in front of the HTTP server at `host` and `port`; an async context manager."""

    def __init__(self, host: str, port: int) -> None:
        self.plan = HttpFaultPlan()
        self.gates: list[OrderGate[HttpMessage]] = []
        """Each request passes all of them before it is forwarded, its response before it is."""
        self.requests: list[HttpMessage] = []
        """Every request that came, in order."""
        self.holds: list[tuple[float, float]] = []
        """For each held request the seconds requested and achieved."""
        self.port = 0
        self._upstream = (host, port)
        self._upstreams = Upstreams()
        self._wires: dict[Wire, asyncio.Task[None]] = {}

    @property
    def url(self) -> str:
        """``http://127.0.0.1:port``."""
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        listener = bound_socket()
        self.port = listener.getsockname()[1]
        self._server = await loop.create_server(
            lambda: Wire(self._accept), sock=listener, backlog=LISTEN_BACKLOG
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()
        tasks = list(self._wires.values())
        for wire, task in list(self._wires.items()):
            wire.abort()
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._upstreams.close()

    def _accept(self, wire: Wire) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(wire))
        self._wires[wire] = task
        task.add_done_callback(lambda _: self._wires.pop(wire, None))

    async def _serve(self, wire: Wire) -> None:
        client = HttpWire(wire, h11.SERVER)
        try:
            while isinstance(request := await client.next_event(), h11.Request):
                if not await self._serve_request(request, client):
                    break
        except (ConnectionError, ClientGone, h11.RemoteProtocolError):
            pass
        except (UpstreamFailed, GateTimeout):
            wire.abort(reset=True)
        finally:
            wire.close()

    async def _serve_request(self, request: h11.Request, client: HttpWire) -> bool:
        message = self._message(request)
        self.requests.append(message)
        intervention = self.plan.next_for(message)
        match intervention:
            case Answer():
                return await self._answer(intervention, client)
            case NeverAnswer():
                await client.wire.ended.wait()
                return False
            case Hold(seconds):
                await unless_client_leaves(client, self._hold(seconds))
        for gate in self.gates:
            await unless_client_leaves(client, gate.pass_through(message))
        return await self._forward(request, message, client, intervention)

    def _message(self, request: h11.Request) -> HttpMessage:
        return HttpMessage(
            number=len(self.requests) + 1,
            method=request.method.decode(),
            path=request.target.partition(b"?")[0].decode("latin-1"),
            headers={k.decode("latin-1"): v.decode("latin-1") for k, v in request.headers},
        )

    async def _hold(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        since = loop.time()
        await sleep_until(since + seconds)
        self.holds.append((seconds, loop.time() - since))

    async def _answer(self, answer: Answer, client: HttpWire) -> bool:
        while not isinstance(await client.next_event(), h11.EndOfMessage):
            pass
        headers = [(k.encode("latin-1"), v.encode("latin-1")) for k, v in answer.headers.items()]
        await client.respond(answer.status, answer.body, headers=headers, close=False)
        return _next_cycle(client)

    async def _forward(
        self,
        request: h11.Request,
        message: HttpMessage,
        client: HttpWire,
        intervention: Intervention | None,
    ) -> bool:
        try:
            upstream = await self._upstreams.take(*self._upstream)
        except OSError as error:
            raise UpstreamFailed(str(error)) from error
        relay = Relay(request, client, upstream)

        async def forward(event: Event) -> None:
            if isinstance(event, h11.Response | h11.InformationalResponse):
                if isinstance(intervention, LoseResponse):
                    client.wire.abort(reset=True)
                    raise ClientGone
                response = HttpMessage(
                    message.number,
                    message.method,
                    message.path,
                    message.headers,
                    event.status_code,
                )
                for gate in self.gates:
                    await gate.pass_through(response)
            await relay.to_client(event)

        async def exchange() -> bool:
            headers = request.headers.raw_items()
            await relay.send_request(headers, is_websocket=is_websocket(headers))
            return await relay.exchange(forward)

        try:
            if await unless_client_leaves(client, exchange()):
                relay.splice()
                await client.wire.closed.wait()
                return False
        finally:
            self._upstreams.give_back(*self._upstream, upstream)
        return _next_cycle(client)


def _next_cycle(client: HttpWire) -> bool:
    """Make the connection ready for another request; return whether it can carry one."""
    state = client.state
    if state.our_state is not h11.DONE or state.their_state is not h11.DONE:
        return False
    state.start_next_cycle()
    return True
