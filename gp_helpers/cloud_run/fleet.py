"""The instances of a revision, as they really are: started, stopped, signalled, counted.

It carries out what the pure `Revision` decides, and tells it what happened.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from gp_helpers.cloud_run.errors import CloudRunError
from gp_helpers.cloud_run.exchange import Placed, Refused
from gp_helpers.cloud_run.host import Host, RunningService
from gp_helpers.cloud_run.placement import InstanceState, PlacementRequest
from gp_helpers.cloud_run.revision import (
    Dispatch,
    Effect,
    Refuse,
    Revision,
    StartInstance,
    StopInstance,
)
from gp_helpers.cloud_run.settings import RevisionSettings
from gp_helpers.cloud_run.spec import ServiceSpec

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class LiveInstance:
    """What is held of an instance beside the core's view of it."""

    host: str = ""
    port: int = 0
    service: RunningService | None = None
    """``None`` before it is spawned, and for one that somebody else started."""
    websockets: int = 0
    websockets_total: int = 0
    is_frozen: bool = False
    ended: str | None = None
    """How it ended."""


class Tasks:
    """Owns tasks: what fails in one is logged, and none outlives `cancel_all`."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` until it ends or all are cancelled."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._note_done)

    def _note_done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("a task of the ingress failed", exc_info=error)

    async def cancel_all(self) -> None:
        """Cancel every task and wait until it has ended."""
        while running := list(self._running):
            for task in running:
                task.cancel()
            await asyncio.wait(running)


class Fleet:
    """Starts, places on, and stops the instances of one revision."""

    def __init__(
        self, settings: RevisionSettings, *, template: ServiceSpec | None, host: Host, tasks: Tasks
    ) -> None:
        self.revision = Revision(settings, name=template.name if template else "instance")
        self.live: dict[str, LiveInstance] = {}
        self.start_failure: CloudRunError | None = None
        """Why the last instance that did not start did not."""
        self._template = template
        self._host = host
        self._tasks = tasks
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[int, asyncio.Future[Placed]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._changed = asyncio.Event()

    async def place(self, request: PlacementRequest) -> Placed:
        """Return the instance for `request`, started for it if need be.

        Raises:
            Refused: the request waited too long, or the instance did not start.
        """
        waiting: asyncio.Future[Placed] = self._loop.create_future()
        self._waiting[request.id] = waiting
        self._apply(self.revision.arrive(request, self._loop.time()))
        try:
            return await waiting
        except asyncio.CancelledError:
            self.revision.withdraw(request.id)
            if waiting.done() and not waiting.cancelled() and waiting.exception() is None:
                self.release(waiting.result().instance_id)
            raise
        finally:
            self._waiting.pop(request.id, None)

    def release(self, instance_id: str) -> None:
        """A placed request has ended."""
        self._apply(self.revision.finish(instance_id, self._loop.time()))

    def count_websocket(self, instance_id: str, change: int) -> None:
        """A WebSocket to the instance has opened (+1) or ended (-1)."""
        live = self.live[instance_id]
        live.websockets += change
        live.websockets_total += max(change, 0)

    def add_existing(self, instance_id: str, url: str) -> None:
        """Let an instance serve that somebody else has started."""
        address = urlsplit(url)
        if address.hostname is None or address.port is None:
            raise ValueError(f"an instance's url must name host and port, not {url!r}")
        self.live[instance_id] = LiveInstance(address.hostname, address.port)
        self._apply(self.revision.add(instance_id, self._loop.time()))

    def start_one(self) -> str:
        """Start one more instance now; return its id.

        Raises:
            ValueError: there is no template to start instances from.
        """
        if self._template is None:
            raise ValueError("this ingress has no template to start instances from")
        effects = self.revision.start(self._loop.time())
        self._apply(effects)
        [started] = [one.instance_id for one in effects if isinstance(one, StartInstance)]
        return started

    async def until_none_starts(self) -> None:
        """Return when no instance is starting."""
        while any(
            instance.state is InstanceState.STARTING
            for instance in self.revision.instances.values()
        ):
            self._changed.clear()
            await self._changed.wait()

    async def until_gone(self, instance_id: str) -> None:
        """Return when the instance has ended."""
        while self.revision.instances[instance_id].state is not InstanceState.GONE:
            self._changed.clear()
            await self._changed.wait()

    def shut_down(self, instance_id: str) -> None:
        """Give the instance no new requests; SIGTERM, the grace period, SIGKILL."""
        self.revision.drain(instance_id)
        self._apply([StopInstance(instance_id)])

    def forget(self, instance_id: str) -> None:
        """Take an instance out that somebody else has started."""
        self._note_gone(instance_id, "taken out")

    def reconfigure(self, settings: RevisionSettings) -> None:
        """Apply other settings from now on."""
        self.revision.reconfigure(settings)
        self._apply([])

    def close(self) -> None:
        """Let no timer call back any more."""
        if self._timer is not None:
            self._timer.cancel()

    async def stop_instances(self) -> None:
        """Shut every instance down, side by side."""
        settings = self.revision.settings
        await self._host.stop_all(settings.scaled(settings.shutdown_grace_s))

    def _apply(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            match effect:
                case Dispatch(request_id, instance_id):
                    self._dispatch(request_id, instance_id)
                case Refuse(request_id, refusal):
                    waiting = self._waiting.get(request_id)
                    if waiting is not None and not waiting.done():
                        waiting.set_exception(Refused(refusal))
                case StartInstance(instance_id):
                    self.live[instance_id] = LiveInstance()
                    self._tasks.start(self._supervise(instance_id))
                case StopInstance(instance_id):
                    self._tasks.start(self._stop(instance_id))
        self._changed.set()
        self._set_timer()

    def _dispatch(self, request_id: int, instance_id: str) -> None:
        waiting = self._waiting.get(request_id)
        live = self.live[instance_id]
        if waiting is None or waiting.done():
            self._loop.call_soon(self.release, instance_id)
        else:
            waiting.set_result(Placed(instance_id, live.host, live.port))

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        deadline = self.revision.next_deadline()
        self._timer = None if deadline is None else self._loop.call_at(deadline, self._tick)

    def _tick(self) -> None:
        self._apply(self.revision.tick(self._loop.time()))

    async def _supervise(self, instance_id: str) -> None:
        """Start an instance and stay with it to its end."""
        assert self._template is not None
        live = self.live[instance_id]
        spec = replace(
            self._template,
            name=instance_id,
            config={**self._template.config, "instance_id": instance_id},
            startup_probe=self.revision.settings.startup_probe,
        )
        try:
            service = await self._host.start(spec, wait_ready=False)
            live.service, live.host, live.port = service, service.host, service.port
            await service.wait_started()
        except CloudRunError as error:
            self.start_failure = error
            logger.error("instance %s did not start: %s", instance_id, error)
            if live.service is not None:
                await live.service.kill()
            self._note_gone(instance_id, str(error).splitlines()[0])
            return
        self._apply(self.revision.ready(instance_id, self._loop.time()))
        self._note_gone(instance_id, str(await service.wait()))

    def _note_gone(self, instance_id: str, how: str) -> None:
        self.live[instance_id].ended = how
        self._apply(self.revision.gone(instance_id, self._loop.time()))

    async def _stop(self, instance_id: str) -> None:
        service = self.live[instance_id].service
        if service is not None:
            settings = self.revision.settings
            await service.stop(settings.scaled(settings.shutdown_grace_s))
