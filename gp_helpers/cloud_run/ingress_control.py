"""What the ingress tells about itself and does on request, for those who know its secret.

- ``GET /internal/ingress``: settings, instances, counters, queue;
- ``PUT /internal/ingress``: change settings from now on; body: any of `RevisionSettings`;
- ``PUT /internal/clock``: body ``{"offset_s"}``, by which the time of requests and of quiet sockets
  is shifted from now on;
- ``POST /internal/instances``: start an instance now (202), or with ``{"id", "url"}`` let one serve
  that runs already (201);
- ``PUT /internal/instances/{id}``: body ``{"action": ...}``, an `Action`; replies when the action
  is done, except for ``terminate``, which replies at once.
"""

from __future__ import annotations

import hmac
import json
import math
from dataclasses import asdict
from typing import Any

import h11

from gp_helpers.cloud_run.clock import Clock
from gp_helpers.cloud_run.errors import CloudRunError
from gp_helpers.cloud_run.exchange import Counters
from gp_helpers.cloud_run.fleet import Fleet
from gp_helpers.cloud_run.headers import error_body, header_value
from gp_helpers.cloud_run.http_wire import HttpWire
from gp_helpers.cloud_run.ingress_spec import SECRET_HEADER, Action
from gp_helpers.cloud_run.placement import Instance, InstanceState
from gp_helpers.cloud_run.settings import RevisionSettings

REPORT_PATH = "/internal/ingress"
CLOCK_PATH = "/internal/clock"
INSTANCES_PATH = "/internal/instances"
_LONGEST_BODY = 1 << 16


class ControlError(Exception):
    """Raised when a control request cannot be carried out."""

    def __init__(self, status: int, code: str, message: str) -> None:
        self.status = status
        self.code = code
        super().__init__(message)


def is_control(target: bytes) -> bool:
    """Return whether a request is for the ingress itself."""
    path = target.partition(b"?")[0].decode("latin-1")
    return path in (REPORT_PATH, CLOCK_PATH, INSTANCES_PATH) or path.startswith(
        INSTANCES_PATH + "/"
    )


class Control:
    """Answers control requests."""

    def __init__(self, fleet: Fleet, counters: Counters, clock: Clock, *, secret: str) -> None:
        self._fleet = fleet
        self._counters = counters
        self._clock = clock
        self._secret = secret

    async def answer(self, request: h11.Request, client: HttpWire) -> bool:
        """Answer `request`; return whether the connection can be used again."""
        headers = request.headers.raw_items()
        correlation_id = header_value(headers, b"x-correlation-id") or ""
        presented = header_value(headers, SECRET_HEADER.lower().encode()) or ""
        try:
            body = await self._read_body(client)
            if not hmac.compare_digest(presented.encode(), self._secret.encode()):
                raise ControlError(403, "forbidden", f"{SECRET_HEADER} is missing or wrong")
            path = request.target.partition(b"?")[0].decode("latin-1")
            status, reply = await self._do(request.method.decode(), path, body)
            content = json.dumps(reply).encode()
        except ControlError as error:
            status = error.status
            content = error_body(
                error.code, str(error), retryable=False, correlation_id=correlation_id
            )
        await client.respond(status, content, close=False)
        state = client.state
        if state.our_state is h11.DONE and state.their_state is h11.DONE:
            state.start_next_cycle()
            return True
        return False

    async def _read_body(self, client: HttpWire) -> dict[str, Any]:
        content = b""
        while isinstance(event := await client.next_event(), h11.Data):
            content += bytes(event.data)
            if len(content) > _LONGEST_BODY:
                raise ControlError(413, "too_large", "the body is too large")
        try:
            body = json.loads(content) if content else {}
        except ValueError as error:
            raise ControlError(400, "bad_request", f"the body is not JSON: {error}") from None
        if not isinstance(body, dict):
            raise ControlError(400, "bad_request", "the body must be a JSON object")
        return body

    async def _do(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        match method, path:
            case "GET", "/internal/ingress":
                return 200, self.report()
            case "PUT", "/internal/ingress":
                return 200, self._reconfigure(body)
            case "PUT", "/internal/clock":
                return 200, self._set_clock(body)
            case "POST", "/internal/instances":
                return self._add(body)
            case "PUT", _ if path.startswith(INSTANCES_PATH + "/"):
                return 200, await self._act(path.removeprefix(INSTANCES_PATH + "/"), body)
        raise ControlError(405, "method_not_allowed", f"{method} {path} is not possible")

    def report(self) -> dict[str, Any]:
        """Return settings, instances, counters and queue as JSON data."""
        revision = self._fleet.revision
        return {
            "settings": revision.settings.to_json(),
            "offset_s": self._clock.offset_s,
            "counters": asdict(self._counters),
            "queue": revision.queue_length,
            "average_startup_s": revision.average_startup_s,
            "instances": [self._instance(one) for one in revision.instances.values()],
        }

    def _instance(self, instance: Instance) -> dict[str, Any]:
        live = self._fleet.live[instance.id]
        service = live.service
        return {
            "id": instance.id,
            "state": instance.state.value,
            "url": f"http://{live.host}:{live.port}" if live.port else None,
            "pid": service.pid if service else None,
            "log_path": str(service.log_path) if service else None,
            "is_cold_started": instance.is_cold,
            "is_frozen": live.is_frozen,
            "started_at": instance.started_at,
            "ready_at": instance.ready_at,
            "in_flight": instance.in_flight,
            "requests_total": instance.requests_total,
            "websockets": live.websockets,
            "websockets_total": live.websockets_total,
            "ended": live.ended,
        }

    def _reconfigure(self, body: dict[str, Any]) -> dict[str, Any]:
        current = self._fleet.revision.settings.to_json()
        try:
            self._fleet.reconfigure(RevisionSettings.from_json({**current, **body}))
        except (CloudRunError, TypeError, ValueError) as error:
            raise ControlError(422, "bad_settings", str(error)) from error
        return self._fleet.revision.settings.to_json()

    def _set_clock(self, body: dict[str, Any]) -> dict[str, Any]:
        offset_s = body.get("offset_s")
        if not isinstance(offset_s, int | float) or not math.isfinite(offset_s):
            raise ControlError(422, "bad_clock", f"offset_s must be a number, not {offset_s!r}")
        self._clock.set_offset(float(offset_s))
        return {"offset_s": self._clock.offset_s}

    def _add(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        try:
            if not body:
                started = self._fleet.start_one()
                return 202, self._instance(self._fleet.revision.instances[started])
            instance_id = str(body["id"])
            if instance_id in self._fleet.live:
                raise ControlError(409, "taken", f"there is an instance {instance_id!r} already")
            self._fleet.add_existing(instance_id, str(body["url"]))
        except (KeyError, ValueError) as error:
            raise ControlError(422, "bad_instance", f"id and url are needed: {error}") from error
        return 201, self._instance(self._fleet.revision.instances[instance_id])

    async def _act(self, instance_id: str, body: dict[str, Any]) -> dict[str, Any]:
        if instance_id not in self._fleet.live:
            raise ControlError(404, "not_found", f"there is no instance {instance_id!r}")
        allowed = ", ".join(action.value for action in Action)
        try:
            action = Action(body.get("action"))
        except ValueError:
            raise ControlError(422, "bad_action", f"action must be one of: {allowed}") from None
        live = self._fleet.live[instance_id]
        instance = self._fleet.revision.instances[instance_id]
        if instance.state is InstanceState.GONE:
            raise ControlError(409, "gone", f"{instance_id} has ended: {live.ended}")
        if action is Action.FORGET and live.service is None and not instance.is_cold:
            self._fleet.forget(instance_id)
            return self._instance(instance)
        if live.service is None or action is Action.FORGET:
            message = f"{action.value} is not possible for {instance_id}: who started it ends it"
            raise ControlError(409, "not_possible", message)
        try:
            match action:
                case Action.TERMINATE:
                    self._fleet.shut_down(instance_id)
                case Action.KILL:
                    await live.service.kill()
                    await self._fleet.until_gone(instance_id)
                case Action.FREEZE:
                    await live.service.freeze()
                    live.is_frozen = True
                case Action.RESUME:
                    await live.service.resume()
                    live.is_frozen = False
        except CloudRunError as error:
            raise ControlError(409, "not_possible", str(error)) from error
        return self._instance(instance)
