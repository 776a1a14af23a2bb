"""Trials of the remediated gateway with random cuts: nothing is lost, doubled or left behind.

`GATEWAY_TRIALS=200` runs as many.
"""

from __future__ import annotations

import os
import random
from typing import Any

from websockets.exceptions import ConnectionClosed

from tests.platform.gateway.clients import FIVE

TRIALS = int(os.environ.get("GATEWAY_TRIALS", "24"))
AT_ONCE = 4


class Traveller:
    """A user who loses connections, comes back, resumes, and asks once more what was not begun."""

    def __init__(self, lab: Any, seed: int) -> None:
        self.lab = lab
        self.source = random.Random(seed)
        self.person = lab.person()
        self.socket: Any = None
        self.got: list[dict[str, Any]] = []
        self.wanted = [f"{seed}-{number}" for number in range(self.source.randint(1, 2))]

    @property
    def last_event_id(self) -> int:
        return max((event["event_id"] for event in self.got), default=0)

    def missing(self) -> list[str]:
        """Requests that have no last event yet."""
        done = {event["request_id"] for event in self.got if event["type"] == FIVE[-1]}
        return [request_id for request_id in self.wanted if request_id not in done]

    def travel(self) -> None:
        for _ in range(self.source.randint(0, 3)):
            self.come_back()
            self.listen(self.source.randint(0, 7))
            self.leave()
        self.come_back()
        while self.missing():
            self.listen(1)
        self.leave()

    def come_back(self) -> None:
        self.socket = self.person.connect()
        if self.source.random() < 0.3:
            self.socket.ping()
        self.socket.send(type="resume", last_event_id=self.last_event_id)
        begun = {event["request_id"] for event in self.lab.outbox_of(self.person)}
        for request_id in self.wanted:
            if request_id not in begun:
                self.socket.ask(request_id, self.person.thread_id)

    def listen(self, events: int) -> None:
        while events and self.missing():
            message = self.socket.receive()
            assert message["type"] != "error", message
            if "event_id" in message:
                self.got.append(message)
                events -= 1

    def leave(self) -> None:
        """Close, vanish, or vanish with another connection open already."""
        match self.source.randrange(3):
            case 0:
                self.socket.close()
            case 1:
                self.socket.cut()
            case 2:
                following = self.person.connect()
                self.socket.cut()
                following.close()
        self.take_what_arrived_before_the_end()

    def take_what_arrived_before_the_end(self) -> None:
        try:
            while True:
                message = self.socket.receive(timeout=0)
                if "event_id" in message:
                    self.got.append(message)
        except (TimeoutError, ConnectionClosed):
            return


def trial(lab: Any, seed: int) -> Traveller:
    traveller = Traveller(lab, seed)
    traveller.travel()
    return traveller


def test_whatever_is_cut_every_answer_arrives_once(lab: Any) -> None:
    for first in range(0, TRIALS, AT_ONCE):
        running = [
            lab.in_background(lambda seed=seed: trial(lab, seed))
            for seed in range(first, first + AT_ONCE)
        ]
        for finished in running:
            traveller = finished()
            check(traveller)
    state = lab.wait_for_state(lambda state: not state["connections"] and state, "clean-up")
    assert (state["handlers"], state["registry"]["users"], state["in_flight"]) == (0, 0, 0)
    assert state["failed_tasks"] == {}


def check(traveller: Traveller) -> None:
    ids = [event["event_id"] for event in traveller.got]
    assert ids == list(range(1, len(ids) + 1)), traveller.got
    assert {event["user_id"] for event in traveller.got} == {traveller.person.id}
    for request_id in traveller.wanted:
        seen = [e["type"] for e in traveller.got if e["request_id"] == request_id]
        assert seen == FIVE, seen
