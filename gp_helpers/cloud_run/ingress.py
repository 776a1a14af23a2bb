"""The ingress: one address in front of the instances of a revision, under Cloud Run's rules.

It runs as a service of a host (see `ingress_spec`) and starts instances in the same isolation, as
services that end with it.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

import h11

from gp_helpers.cloud_run.clock import Clock
from gp_helpers.cloud_run.exchange import Counters, Exchange
from gp_helpers.cloud_run.fleet import Fleet, Tasks
from gp_helpers.cloud_run.headers import error_body
from gp_helpers.cloud_run.http_wire import HttpWire
from gp_helpers.cloud_run.ingress_control import Control, is_control
from gp_helpers.cloud_run.server import ServiceContext
from gp_helpers.cloud_run.settings import RevisionSettings
from gp_helpers.cloud_run.sockets import LISTEN_BACKLOG
from gp_helpers.cloud_run.spec import spec_from_json
from gp_helpers.cloud_run.upstreams import Upstreams
from gp_helpers.cloud_run.wire import Wire

logger = logging.getLogger(__name__)


async def serve(context: ServiceContext) -> None:
    """Serve as the ingress that `ingress_spec` describes, until asked to stop."""
    config = context.config
    settings = RevisionSettings.from_json(config["settings"])
    template = None if config["template"] is None else spec_from_json(config["template"])
    tasks = Tasks()
    async with context.open_host() as host:
        fleet = Fleet(settings, template=template, host=host, tasks=tasks)
        ingress = Ingress(fleet, tasks, secret=config["secret"])
        try:
            for one in config["existing"]:
                fleet.add_existing(one["id"], one["url"])
            await ingress.run(context)
            await fleet.stop_instances()
        finally:
            fleet.close()
            await tasks.cancel_all()


class Ingress:
    """Accepts connections and sends each request through an `Exchange`."""

    def __init__(self, fleet: Fleet, tasks: Tasks, *, secret: str) -> None:
        self._fleet = fleet
        self._tasks = tasks
        self._counters = Counters()
        self._clock = Clock()
        self._control = Control(fleet, self._counters, self._clock, secret=secret)
        self._connections: set[Wire] = set()
        self._upstreams = Upstreams(self._clock.time)

    async def run(self, context: ServiceContext) -> None:
        """Start the minimum of instances, serve, and cut every connection in the end."""
        fleet = self._fleet
        for _ in range(fleet.revision.settings.min_instances - len(fleet.live)):
            fleet.start_one()
        await fleet.until_none_starts()
        if fleet.start_failure is not None:
            raise fleet.start_failure
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: Wire(self._accept, now=self._clock.time),
            sock=context.socket,
            backlog=LISTEN_BACKLOG,
        )
        try:
            context.started()
            await context.stopping.wait()
        finally:
            server.close()
            for wire in list(self._connections):
                wire.abort()
            self._upstreams.close()

    def _accept(self, wire: Wire) -> None:
        self._connections.add(wire)
        self._tasks.start(self._serve_connection(wire))

    async def _serve_connection(self, wire: Wire) -> None:
        client = HttpWire(wire, h11.SERVER)
        try:
            while await self._serve_request(client):
                pass
        except (ConnectionError, h11.RemoteProtocolError) as error:
            await self._refuse_nonsense(client, error)
        finally:
            self._connections.discard(wire)
            wire.close()

    async def _serve_request(self, client: HttpWire) -> bool:
        """Serve one request; return whether the connection can be used again."""
        request = await client.next_event()
        if not isinstance(request, h11.Request):
            return False
        if is_control(request.target):
            return await self._control.answer(request, client)
        self._counters.requests += 1
        exchange = Exchange(
            number=self._counters.requests,
            request=request,
            client=client,
            settings=self._fleet.revision.settings,
            clock=self._clock,
            counters=self._counters,
            upstreams=self._upstreams,
            place=self._fleet.place,
            release=self._fleet.release,
            upgraded=self._fleet.count_websocket,
        )
        return await exchange.run()

    async def _refuse_nonsense(self, client: HttpWire, error: Exception) -> None:
        """Answer what is not HTTP with its status, if an answer is still possible."""
        if not isinstance(error, h11.RemoteProtocolError) or not client.can_respond:
            return
        body = error_body("bad_request", str(error), retryable=False, correlation_id="")
        with suppress(ConnectionError, h11.LocalProtocolError):
            await client.respond(error.error_status_hint, body)
