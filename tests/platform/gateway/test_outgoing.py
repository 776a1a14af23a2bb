"""The sending side of a connection by itself: order, resuming, and what a slow client costs."""

from __future__ import annotations

import random
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint

from gp_helpers.platform.gateway.outgoing import Outgoing, SlowConsumer


class Wire:
    """A socket that remembers, over an outbox that holds what was published."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.outbox: list[dict[str, Any]] = []
        self.fetches = 0
        self.open = anyio.Event()
        self.open.set()
        self.readable = anyio.Event()
        self.readable.set()

    def publish(self) -> dict[str, Any]:
        self.outbox.append({"event_id": len(self.outbox) + 1})
        return self.outbox[-1]

    async def transmit(self, message: dict[str, Any]) -> None:
        await self.open.wait()
        await checkpoint()
        self.sent.append(message.get("event_id", message.get("reply")))

    async def fetch(self, last_event_id: int) -> list[dict[str, Any]]:
        self.fetches += 1
        found = self.outbox[last_event_id:]
        await checkpoint()
        await self.readable.wait()
        return found

    def outgoing(self, capacity: int = 4, send_timeout_s: float = 5) -> Outgoing:
        return Outgoing(self.transmit, self.fetch, capacity=capacity, send_timeout_s=send_timeout_s)


async def settle(outgoing: Outgoing) -> None:
    for _ in range(1000):
        if outgoing.queued == 0:
            return
        await checkpoint()
    raise AssertionError(f"{outgoing.queued} messages are still queued")


def run(scenario: Any) -> None:
    """Run a scenario beside the sender of a fresh connection."""

    async def main() -> None:
        wire = Wire()
        outgoing = wire.outgoing()
        async with anyio.create_task_group() as group:
            group.start_soon(outgoing.run)
            await scenario(wire, outgoing)
            group.cancel_scope.cancel()

    anyio.run(main)


def test_events_in_order_need_no_look_into_the_outbox() -> None:
    async def scenario(wire: Wire, outgoing: Outgoing) -> None:
        outgoing.start_at(0)
        outgoing.release()
        for _ in range(4):
            outgoing.offer(wire.publish())
        await settle(outgoing)
        assert (wire.sent, wire.fetches) == ([1, 2, 3, 4], 0)

    run(scenario)


def test_an_event_that_does_not_follow_is_preceded_by_what_is_missing() -> None:
    async def scenario(wire: Wire, outgoing: Outgoing) -> None:
        outgoing.start_at(0)
        outgoing.release()
        first, second, third = wire.publish(), wire.publish(), wire.publish()
        for event in (third, first, third, second):
            outgoing.offer(event)
        await settle(outgoing)
        assert wire.sent == [1, 2, 3]

    run(scenario)


def test_more_events_than_there_is_room_for_come_from_the_outbox() -> None:
    async def scenario(wire: Wire, outgoing: Outgoing) -> None:
        outgoing.start_at(0)
        outgoing.release()
        wire.open = anyio.Event()
        for _ in range(50):
            outgoing.offer(wire.publish())
        wire.open.set()
        await settle(outgoing)
        assert wire.sent == list(range(1, 51))

    run(scenario)


def test_what_is_offered_before_the_position_is_known_is_not_lost() -> None:
    async def scenario(wire: Wire, outgoing: Outgoing) -> None:
        wire.publish()
        outgoing.release()
        outgoing.offer(wire.publish())
        outgoing.start_at(1)
        await settle(outgoing)
        assert wire.sent == [2]

    run(scenario)


def test_replies_overtake_events_that_wait_for_a_resume() -> None:
    async def scenario(wire: Wire, outgoing: Outgoing) -> None:
        wire.publish()
        wire.publish()
        outgoing.start_at(2)
        outgoing.offer(wire.publish())
        await outgoing.reply({"reply": "pong"})
        await anyio.wait_all_tasks_blocked()
        assert wire.sent == ["pong"]
        outgoing.resume_after(1)
        await settle(outgoing)
        assert wire.sent == ["pong", 2, 3]

    run(scenario)


def test_a_late_resume_brings_what_was_missed_once() -> None:
    async def scenario(wire: Wire, outgoing: Outgoing) -> None:
        for _ in range(3):
            wire.publish()
        outgoing.start_at(3)
        outgoing.release()
        outgoing.offer(wire.publish())
        await settle(outgoing)
        for last_event_id in (2, 1, 1, 3):
            outgoing.resume_after(last_event_id)
        await settle(outgoing)
        assert wire.sent == [4, 3, 2]

    run(scenario)


def test_a_resume_while_the_outbox_is_read_begins_where_it_says() -> None:
    async def scenario(wire: Wire, outgoing: Outgoing) -> None:
        for _ in range(3):
            wire.publish()
        outgoing.start_at(3)
        outgoing.release()
        wire.readable = anyio.Event()
        wire.publish()
        outgoing.offer(wire.publish())
        await anyio.wait_all_tasks_blocked()
        assert wire.fetches == 1
        outgoing.resume_after(1)
        wire.readable.set()
        await settle(outgoing)
        assert wire.sent == [2, 3, 4, 5]

    run(scenario)


def test_what_the_client_has_seen_elsewhere_is_left_out() -> None:
    async def scenario(wire: Wire, outgoing: Outgoing) -> None:
        outgoing.start_at(0)
        for _ in range(3):
            outgoing.offer(wire.publish())
        outgoing.resume_after(2)
        await settle(outgoing)
        assert wire.sent == [3]

    run(scenario)


def test_events_that_nobody_keeps_do_not_stop_the_later_ones() -> None:
    async def scenario(wire: Wire, outgoing: Outgoing) -> None:
        outgoing.start_at(0)
        outgoing.release()
        outgoing.offer({"event_id": 7})
        await settle(outgoing)
        outgoing.offer({"event_id": 8})
        await settle(outgoing)
        assert wire.sent == [8]

    run(scenario)


def test_replies_wait_for_room_and_learn_when_it_is_over() -> None:
    async def scenario(wire: Wire, outgoing: Outgoing) -> None:
        wire.open = anyio.Event()
        outcomes: list[bool] = []

        async def reply(number: int) -> None:
            outcomes.append(await outgoing.reply({"reply": number}))

        async with anyio.create_task_group() as group:
            for number in range(8):
                group.start_soon(reply, number)
            await anyio.wait_all_tasks_blocked()
            assert outcomes == [True] * 5
            outgoing.close()
        assert outcomes == [True] * 5 + [False] * 3

    run(scenario)


def test_a_client_that_takes_nothing_is_given_up() -> None:
    async def main() -> None:
        wire = Wire()
        wire.open = anyio.Event()
        outgoing = wire.outgoing(send_timeout_s=0.01)
        await outgoing.reply({"reply": 1})
        with pytest.raises(SlowConsumer):
            await outgoing.run()

    anyio.run(main)


@pytest.mark.parametrize("seed", range(200))
def test_whatever_the_order_every_event_is_sent_once_and_in_order(seed: int) -> None:
    """Offers out of order, twice, or never (another instance), pauses, and one resume in time."""
    source = random.Random(seed)

    async def scenario(wire: Wire, outgoing: Outgoing) -> None:
        for _ in range(source.randint(0, 5)):
            wire.publish()
        start = len(wire.outbox)
        delayed = [wire.publish() for _ in range(source.randint(0, 3))]
        outgoing.start_at(start)
        resumes = source.random() < 0.7
        begin = source.randint(0, len(wire.outbox)) if resumes else start
        for step in range(30):
            if step == 5:
                outgoing.resume_after(begin) if resumes else outgoing.release()
            match source.randrange(5):
                case 0 | 1:
                    delayed.append(wire.publish())
                case 2 if delayed:
                    outgoing.offer(delayed.pop(source.randrange(len(delayed))))
                case 3 if delayed:
                    outgoing.offer(source.choice(delayed))
                case _:
                    for _ in range(source.randint(0, 6)):
                        await checkpoint()
        outgoing.offer(wire.publish())
        await settle(outgoing)
        assert wire.sent == list(range(begin + 1, len(wire.outbox) + 1))

    run(scenario)
