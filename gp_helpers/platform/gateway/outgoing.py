"""What one connection still has to send, in which order, and from where its events go on.

The outbox is the real buffer of events: here stand only the next few. Each connection holds a
position in its user's contiguous event ids; an event that does not follow it directly makes the
sender read the outbox, so that nothing is missed, doubled or overtaken, however it got here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable

import anyio

from gp_helpers.platform.gateway.messages import Message

Transmit = Callable[[Message], Awaitable[None]]
Fetch = Callable[[int], Awaitable[list[Message]]]


class SlowConsumer(Exception):
    """Raised when the client does not take a message within the time for sending."""


class Outgoing:
    """The sending side of one connection. All methods but `run` are called from the same loop.

    Events wait until `release`: a client that comes back says first where it stopped, and must
    not get later events before the ones that it missed.
    """

    def __init__(
        self, transmit: Transmit, fetch: Fetch, *, capacity: int, send_timeout_s: float
    ) -> None:
        self._transmit = transmit
        self._fetch = fetch
        self._capacity = capacity
        self._send_timeout_s = send_timeout_s
        self._replies: deque[Message] = deque()
        self._events: deque[Message] = deque()
        self._first: int | None = None
        """Everything after this id, up to `_cursor`, was sent here; `None`: no position yet."""
        self._cursor = 0
        """Id of the last event handed to the socket."""
        self._tail = 0
        """Id of the last event in `_events`, or `_cursor`."""
        self._highest = 0
        """Highest id that was ever offered."""
        self._resume_from: int | None = None
        self._backfills: deque[tuple[int, int]] = deque()
        """Ranges `(after, until]` before `_first`, asked for when later events had gone out."""
        self._sending = False
        self._released = False
        self._closed = False
        self._wake = anyio.Event()
        self._room = anyio.Event()

    @property
    def queued(self) -> int:
        """How many messages are not on their way to the client yet."""
        behind = 0 if self._first is None else max(0, self._highest - self._cursor)
        backfill = sum(until - after for after, until in self._backfills)
        return len(self._replies) + behind + backfill + int(self._sending)

    @property
    def position(self) -> int | None:
        """Id of the last event handed to the socket; `None` before `start_at`."""
        return None if self._first is None else self._cursor

    async def reply(self, message: Message) -> bool:
        """Send a message that is not an event; waits for room. `False`: the connection is over."""
        while len(self._replies) >= self._capacity and not self._closed:
            if self._room.is_set():
                self._room = anyio.Event()
            await self._room.wait()
        if self._closed:
            return False
        self._replies.append(message)
        self._wake.set()
        return True

    def offer(self, event: Message) -> None:
        """Take an event of the connection's user, in any order, any number of times."""
        event_id: int = event["event_id"]
        self._highest = max(self._highest, event_id)
        follows = self._first is not None and event_id == self._tail + 1
        if follows and len(self._events) < self._capacity:
            self._events.append(event)
            self._tail = event_id
        self._wake.set()

    def hear_of(self, event_id: int) -> None:
        """Take note that the outbox has an event; it is read from there."""
        self._highest = max(self._highest, event_id)
        self._wake.set()

    def start_at(self, position: int) -> None:
        """Send what comes after `position`; what a `resume_after` has asked for comes first."""
        self._first = position
        self._highest = max(self._highest, position)
        self._stand_at(position)
        if self._resume_from is not None:
            self.resume_after(self._resume_from)
        self._wake.set()

    def resume_after(self, last_event_id: int) -> None:
        """Send what the client missed after `last_event_id`, and then go on.

        Before any event was sent here, this moves the position; later it sends what lies before
        the first event that was sent here, and leaves out what the client has seen elsewhere.
        """
        if self._first is None:
            self._resume_from = last_event_id
            return
        if self._cursor == self._first:
            self._stand_at(last_event_id)
            self._first = last_event_id
        elif last_event_id > self._cursor:
            self._stand_at(last_event_id)
        elif last_event_id < self._first:
            self._backfills.append((last_event_id, self._first))
            self._first = last_event_id
        self.release()

    def release(self) -> None:
        """Let events go out."""
        self._released = True
        self._wake.set()

    def close(self) -> None:
        """Take nothing more; who waits for room is told."""
        self._closed = True
        self._room.set()

    async def run(self) -> None:
        """Send until cancelled. Raises `SlowConsumer`, and what transmitting or fetching raises."""
        while True:
            self._wake = anyio.Event()
            while await self._send_next():
                pass
            await self._wake.wait()

    async def _send_next(self) -> bool:
        if self._replies:
            reply = self._replies.popleft()
            self._room.set()
            await self._send(reply)
            return True
        if self._first is None or not self._released:
            return False
        if self._backfills:
            await self._send_backfill(*self._backfills[0])
            self._backfills.popleft()
            return True
        if self._events:
            await self._send_event(self._events.popleft())
            return True
        if self._highest > self._tail:
            await self._send_from_outbox()
            return True
        return False

    async def _send_event(self, event: Message) -> None:
        self._cursor = event["event_id"]
        await self._send(event)

    async def _send_from_outbox(self) -> None:
        before, highest = self._cursor, self._highest
        events = await self._fetch(before)
        if self._cursor != before:
            return
        if not events:
            # Nobody keeps what was offered: go on behind it instead of asking for ever.
            self._stand_at(highest)
            return
        self._events = deque(events[: self._capacity])
        self._tail = self._events[-1]["event_id"]

    async def _send_backfill(self, after: int, until: int) -> None:
        for event in await self._fetch(after):
            if event["event_id"] <= until:
                await self._send(event)

    def _stand_at(self, position: int) -> None:
        while self._events and self._events[0]["event_id"] <= position:
            self._events.popleft()
        if not self._events or self._events[0]["event_id"] != position + 1:
            self._events.clear()
            self._tail = position
        self._cursor = position

    async def _send(self, message: Message) -> None:
        self._sending = True
        try:
            with anyio.fail_after(self._send_timeout_s):
                await self._transmit(message)
        except TimeoutError as error:
            raise SlowConsumer from error
        finally:
            self._sending = False
