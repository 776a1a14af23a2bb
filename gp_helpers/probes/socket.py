"""The WebSocket probe: a socket whose every frame is recorded when it arrives.

A reader task belongs to the trial's supervisor; whoever waits for a message waits on what was
recorded, so that nothing can be seen and not be in the history.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gp_helpers.history import Entry, Kind, Recorder
from gp_helpers.parameters.description import WebSocketDescription
from gp_helpers.probes.events import MessageReader
from gp_helpers.probes.expressions import matches, search
from gp_helpers.probes.people import Person
from gp_helpers.probes.supervisor import Supervisor
from gp_helpers.targets.transports import Channel, ChannelClosed, Received

MOST_MESSAGES = 20_000
MOST_CHARACTERS = 4_194_304
"""A platform that sends more than this on one socket is not listened to any longer."""
MOST_SHOWN = 4096
"""So many characters of what is no message are recorded."""
_SEND_WITHIN_S = 10.0
_CLOSE_WITHIN_S = 4.0
_MESSAGES_AT_A_TIME = 16
"""Then others get their turn, however fast the messages come."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message that arrived, as the description reads it."""

    entry: Entry
    body: Any
    """None if the frame could not be decoded."""
    events: tuple[str, ...]
    request_id: str | None
    event_id: Any = None

    @property
    def type(self) -> Any:
        """The message's ``type``, where it has one."""
        return self.body.get("type") if isinstance(self.body, Mapping) else None


@dataclass
class Socket:
    """An open WebSocket of one person."""

    label: str
    person: Person
    description: WebSocketDescription
    recorder: Recorder
    channel: Channel
    opened: Entry
    reader: MessageReader
    messages: list[Message] = field(default_factory=list)
    closed: Entry | None = None
    ready: Message | None = None
    refused: Message | None = None
    """What says that the token was refused, where the platform says so on the open socket."""
    requests: list[str] = field(default_factory=list)
    """Ids of the questions that may be answered here."""
    pongs_awaited: list[str] = field(default_factory=list)
    """Predicates of the pongs to the pings that were sent."""
    bounded: Callable[[float], float] = float
    """Cuts a wait to what the target's limits leave."""
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def start_reading(self, supervisor: Supervisor) -> None:
        """Start the reader; it ends with the socket or with its owner."""
        supervisor.start(self._read(), name=f"reader of {self.label}")

    async def _read(self) -> None:
        characters = 0
        try:
            while True:
                received = await self.channel.receive()
                self._take(received)
                self._notify()
                characters += len(received.raw) + len(received.binary or b"")
                if len(self.messages) >= MOST_MESSAGES or characters >= MOST_CHARACTERS:
                    await self.channel.abort()
                    reason = (
                        f"dropped after {len(self.messages)} messages of {characters} characters"
                    )
                    raise ChannelClosed(1006, reason, "us")
                if len(self.messages) % _MESSAGES_AT_A_TIME == 0:
                    await asyncio.sleep(0)
        except asyncio.CancelledError:
            await self.channel.abort()
            raise
        except ChannelClosed as end:
            self.closed = self.recorder.add(
                Kind.WS_CLOSED,
                self.person.label,
                self.label,
                code=end.code,
                reason=end.reason,
                by=end.by,
            )
        finally:
            self._notify()

    def _take(self, received: Received) -> None:
        body = received.message
        about: dict[str, Any] = {}
        events: tuple[str, ...] = ()
        request_id = None
        if received.undecodable is not None:
            about = {"undecodable": received.undecodable, "raw": self._shown(received)}
        else:
            request_id = self.reader.request_of(body, self.requests)
            events, parts = self.reader.events_of(body, request_id)
            about = {"message": body, "events": list(events), "request_id": request_id}
            if parts:
                about["part_of"] = list(parts)
            owner = search(self.description.event_owner, body)
            if owner is not None:
                about["owner"] = owner
        if matches(self.description.ready, body):
            about["is_ready"] = True
        if matches(self.description.refused, body):
            about["is_refusal"] = True
        if self.description.ping is not None and any(
            matches(pong, body) for pong in self.pongs_awaited
        ):
            about["is_pong"] = True
        if any(matches(predicate, body) for predicate in self.description.ignore):
            about["is_ignored"] = True
        if matches(self.description.error, body):
            about["is_error"] = True
        event_id = search(self.description.event_id, body)
        if event_id is not None:
            about["event_id"] = event_id
        entry = self.recorder.add(Kind.WS_RECEIVED, self.person.label, self.label, **about)
        message = Message(entry, body, events, request_id, event_id)
        self.messages.append(message)
        if self.ready is None and "is_ready" in about:
            self.ready = message
        if self.refused is None and "is_refusal" in about:
            self.refused = message

    def _shown(self, received: Received) -> str:
        redactor = self.recorder.redactor
        if received.binary is not None:
            return redactor.binary(received.binary, MOST_SHOWN)
        return redactor.beginning(received.raw, MOST_SHOWN)

    def _notify(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def send(
        self, message: Any, *, request_id: str | None = None, is_ping: bool = False
    ) -> Entry | None:
        """Send a message; None if the socket is closed, or if the platform reads no more."""
        if request_id is not None and request_id not in self.requests:
            self.requests.append(request_id)
        about: dict[str, Any] = {"request_id": request_id} if request_id is not None else {}
        if is_ping:
            about["is_ping"] = True
        entry = self.recorder.add(
            Kind.WS_SENT, self.person.label, self.label, message=message, **about
        )
        seconds = self.bounded(_SEND_WITHIN_S)
        try:
            async with asyncio.timeout(seconds):
                await self.channel.send(message)
        except ChannelClosed:
            return None
        except TimeoutError:
            self._timed_out("send", seconds, _SEND_WITHIN_S)
            return None
        return entry

    def _timed_out(self, awaited: str, seconds: float, asked_s: float) -> None:
        """Record a wait in vain; ``shortened``: the guest's time was over, not the platform's."""
        shortened = {"shortened": True} if seconds < asked_s else {}
        self.recorder.add(
            Kind.TIMEOUT,
            self.person.label,
            self.label,
            awaited=awaited,
            seconds=seconds,
            definite=False,
            **shortened,
        )

    async def wait_until(
        self, condition: Callable[[], bool], *, timeout_s: float, awaited: str
    ) -> bool:
        """Wait until a condition over what arrived holds; False, and a timeout on record, if not.

        Also False as soon as the socket is closed and the condition does not hold.
        """
        seconds = self.bounded(timeout_s)
        try:
            async with asyncio.timeout(seconds):
                while not condition():
                    if self.closed is not None:
                        return False
                    await self._changed.wait()
        except TimeoutError:
            # Where this process ran late, both the time and what was awaited have come.
            if not condition():
                self._timed_out(awaited, seconds, timeout_s)
                return False
        return True

    async def wait_ready(self, timeout_s: float) -> bool:
        """Wait for the platform's word that the connection serves."""
        if self.description.ready is None:
            return True
        await self.wait_until(
            lambda: self.ready is not None or self.refused is not None,
            timeout_s=timeout_s,
            awaited="ready",
        )
        return self.ready is not None

    async def wait_for_answer(self, request_id: str, timeout_s: float) -> bool:
        """Wait for the last event of a request, or for an error about it."""
        return await self.wait_until(
            lambda: self.is_finished(request_id), timeout_s=timeout_s, awaited="answer"
        )

    async def watch(self, seconds: float, *, until: Callable[[], bool]) -> None:
        """Watch the socket for so long, until it is closed or a condition holds; none is owed."""
        try:
            async with asyncio.timeout(self.bounded(seconds)):
                while self.closed is None and not until():
                    await self._changed.wait()
        except TimeoutError:
            return

    async def wait_closed(self, timeout_s: float) -> bool:
        """Wait for the end of the connection."""
        return await self.wait_until(
            lambda: self.closed is not None, timeout_s=timeout_s, awaited="close"
        )

    def of(self, request_id: str) -> list[Message]:
        """The messages that belong to a request."""
        return [message for message in self.messages if message.request_id == request_id]

    def is_finished(self, request_id: str) -> bool:
        """Whether a request has its last event or an error."""
        return any(
            "agent_completed" in message.events or self.is_error(message)
            for message in self.of(request_id)
        )

    def is_error(self, message: Message) -> bool:
        """Whether the platform says that a request failed."""
        return matches(self.description.error, message.body)

    def answer_to(self, request_id: str) -> str | None:
        """The answer to a request as text; streamed parts are put together."""
        parts = []
        for message in self.of(request_id):
            if self.description.answer_chunk is not None:
                part = search(self.description.answer_chunk, message.body)
                if isinstance(part, str):
                    parts.append(part)
            elif "agent_completed" in message.events:
                answer = search(self.description.answer, message.body)
                if answer is not None:
                    return answer if isinstance(answer, str) else json.dumps(answer)
        return "".join(parts) or None

    @property
    def last_event_id(self) -> Any:
        """The last event id that was seen; None before the first."""
        ids = [message.event_id for message in self.messages if message.event_id is not None]
        return ids[-1] if ids else None

    async def close(self) -> None:
        """Close properly, or drop the connection if it cannot be; the reader records the end."""
        try:
            async with asyncio.timeout(_CLOSE_WITHIN_S):
                await self.channel.close()
        except TimeoutError:
            await self.channel.abort()
        await self.wait_closed(2.0)

    async def drop(self) -> None:
        """Drop the connection without a word; the reader records the end."""
        await self.channel.abort()
        await self.wait_closed(2.0)
