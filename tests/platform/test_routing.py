"""Routing on real sockets: the queue, hand-offs, and instances that share a store."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from gp_helpers.platform.contract import AgentRequest
from gp_helpers.platform.errors import PlatformError
from gp_helpers.platform.gateway.messages import Frame, Request
from gp_helpers.platform.routing.peers import Peers, PeerUnreachable
from gp_helpers.platform.routing.router import Router
from gp_helpers.platform.routing.vocabulary import AGENTS, STEMS, STEMS_ANYWHERE, folded, stems_in
from tests.platform.conftest import DIAGNOSTICS, Platform, User

FIVE = ["agent_started", "agent_thinking", "tool_executing", "tool_completed", "agent_completed"]
PEER = {"X-Service-ID": "backend", "X-Service-Secret": "service-secret"}


class Device:
    """A socket of a user at one instance."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.seen: list[dict[str, Any]] = []

    def receive(self) -> dict[str, Any]:
        self.seen.append(json.loads(self.socket.recv(timeout=10)))
        return self.seen[-1]

    def send(self, **message: Any) -> None:
        self.socket.send(json.dumps(message))

    def ask(self, request_id: str, thread_id: str, message: str, **more: Any) -> None:
        self.send(type="agent_request", id=request_id, thread_id=thread_id, message=message, **more)

    def receive_until(self, message_type: str, request_id: str) -> dict[str, Any]:
        while True:
            message = self.receive()
            if (message["type"], message.get("request_id")) == (message_type, request_id):
                return message

    def events(self, request_id: str) -> list[str]:
        return [one["type"] for one in self.seen if one.get("request_id") == request_id]

    def nothing_more(self) -> None:
        """A ping and its pong: what was sent before has arrived."""
        self.send(type="ping", id="last")
        while self.receive()["type"] != "pong":
            pass


class Lab:
    """A platform with users who have devices at its instances."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.stack = ExitStack()

    def device(self, user: User, backend: int = 0) -> Device:
        url = self.platform.backends[backend].replace("http://", "ws://")
        opening = connect(f"{url}/ws", additional_headers=user.bearer)
        device = Device(self.stack.enter_context(opening))
        assert device.receive()["type"] == "connection_established"
        return device

    def thread(self, user: User) -> str:
        reply = self.platform.client.post(
            f"{self.platform.backend}/api/threads", json={}, headers=user.bearer
        )
        return str(reply.json()["id"])


@pytest.fixture
def lab(start_platform: Any) -> Iterator[Any]:
    """Opens a lab on a platform with these settings."""
    with ExitStack() as stack:

        def open_lab(*defects: str, instances: int = 1, **routing: Any) -> Lab:
            settings = {"routing": routing}
            made = Lab(start_platform(*defects, instances=instances, backend_settings=settings))
            stack.enter_context(made.stack)
            return made

        yield open_lab


class TestRouter:
    @pytest.mark.parametrize("agent", AGENTS)
    def test_every_stem_of_an_agent_leads_to_it(self, agent: str) -> None:
        for stem in (*STEMS[agent], *STEMS_ANYWHERE[agent]):
            assert agent in stems_in(stem), stem

    def test_a_stem_counts_at_the_beginning_of_a_word_only(self) -> None:
        assert stems_in("an accost on the unplanned outage") == {}

    def test_case_accents_and_punctuation_do_not_matter(self) -> None:
        assert folded("  NÄCHSTE…Schritte!") == " nachste schritte"

    def test_most_words_win_and_a_tie_goes_to_planning(self) -> None:
        def decide(message: str) -> str:
            return Router().decide(AgentRequest("r", "t", message))

        assert decide("Why does the plan cost so much?") == "analysis"
        assert decide("Reduce my costs") == "planning"
        assert decide("Nothing in particular") == "triage"

    def test_a_name_that_no_agent_has_is_refused(self) -> None:
        with pytest.raises(PlatformError, match="unknown_agent"):
            Router().decide(AgentRequest("r", "t", "Why?", agent="optimizer"))


def test_any_word_of_urgency_reaches_the_scale_that_judges_it() -> None:
    fields = {"type": "agent_request", "id": "r", "thread_id": "t", "message": "m"}
    for said in ("high", "whenever", 3):
        read = Frame({**fields, "priority": said}).read()
        assert isinstance(read, Request)
        assert read.urgency == said


def test_many_messages_are_routed_at_once_and_each_router_answers(lab: Any) -> None:
    platform = lab("routing.second_router").platform
    messages = [
        {"message": "Why?"},
        {"message": "Hello", "agent": "nobody"},
        {"type": "", "message": "Hello"},
        {"type": "ping"},
    ]
    reply = platform.client.post(
        f"{platform.backend}/internal/route", json={"messages": messages}, headers=DIAGNOSTICS
    )
    decisions = reply.json()["decisions"]
    assert decisions[0] == {"gateway": {"agent": "analysis"}, "registry": {"agent": "analysis"}}
    assert decisions[1]["gateway"] == {"agent": "triage"}
    assert decisions[1]["registry"]["error"]["code"] == "unknown_agent"
    assert decisions[2]["registry"]["error"]["code"] == "unknown_message_type"
    assert decisions[3]["registry"]["error"]["code"] == "invalid_request"
    refused = platform.client.post(f"{platform.backend}/internal/route", json={"messages": []})
    assert refused.status_code == 403


def test_a_request_says_who_it_was_handed_to(lab: Any) -> None:
    made = lab()
    user = made.platform.new_user("marigold")
    device, thread = made.device(user), made.thread(user)
    device.ask("r", thread, "Why is that, and what is the plan?", agent="triage")
    answer = device.receive_until("agent_completed", "r")
    assert device.events("r") == FIVE
    assert device.seen[1]["agent"] == "triage"
    assert answer["agent"] == "planning"
    assert answer["data"]["handoffs"] == [
        {"from": "triage", "to": "analysis"},
        {"from": "analysis", "to": "planning"},
    ]
    assert "marigold" in answer["data"]["result"]
    started = device.seen[1]["data"]
    assert started["queue"] == {"instance": "1", "queued": 1, "started": 2}


def test_a_full_queue_says_so(lab: Any) -> None:
    made = lab(workers=1, queue_capacity=1)
    user = made.platform.new_user()
    device, thread = made.device(user), made.thread(user)
    for number in range(4):
        device.ask(f"r{number}", thread, "Why?")
    told = device.receive_until("error", "r3")
    assert told["data"]["code"] == "overloaded"
    assert told["data"]["retryable"]


class TestSeveralInstances:
    def test_an_answer_reaches_a_device_at_another_instance(self, lab: Any) -> None:
        made = lab(instances=2)
        user = made.platform.new_user()
        laptop, phone = made.device(user, 0), made.device(user, 1)
        thread = made.thread(user)
        for number in range(5):
            asker = (laptop, phone)[number % 2]
            asker.ask(f"r{number}", thread, "Why?")
            for device in (laptop, phone):
                device.receive_until("agent_completed", f"r{number}")
        for device in (laptop, phone):
            device.nothing_more()
            for number in range(5):
                assert device.events(f"r{number}") == FIVE
            ids = [one["event_id"] for one in device.seen if "event_id" in one]
            assert ids == list(range(1, 26))

    def test_each_instance_finds_the_others_in_the_store(self, lab: Any) -> None:
        made = lab(instances=2, workers=1, spill_over_at=1)
        user = made.platform.new_user()
        device, thread = made.device(user), made.thread(user)
        for number in range(8):
            device.ask(f"r{number}", thread, "Why?")
        for number in range(8):
            while device.events(f"r{number}") != FIVE:
                device.receive()
        worked = {one["data"]["queue"]["instance"] for one in device.seen if one["type"] == FIVE[0]}
        assert worked == {"1", "2"}

    def test_work_is_done_here_when_the_instance_that_should_is_gone(
        self, lab: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = lab("routing.placement_by_hash", instances=2)
        platform = made.platform
        user = platform.new_user()
        devices, thread = [made.device(user, 0), made.device(user, 1)], made.thread(user)
        tried = []

        async def unreachable(_peers: Peers, instance_id: str, *_work: Any) -> None:
            tried.append(instance_id)
            raise PeerUnreachable(instance_id)

        monkeypatch.setattr(Peers, "hand_over", unreachable)
        for number, device in enumerate(devices):
            device.ask(f"r{number}", thread, "Why?")
            device.receive_until("agent_completed", f"r{number}")
            assert device.events(f"r{number}") == FIVE
        assert len(tried) == 1

    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("POST", "/peer/events", {"user_id": "u", "event_id": 1}),
            ("POST", "/peer/work", {}),
            ("GET", "/peer/load", None),
        ],
    )
    def test_only_instances_may_speak_to_each_other(
        self, lab: Any, method: str, path: str, body: Any
    ) -> None:
        platform = lab().platform
        for headers in ({}, {**PEER, "X-Service-Secret": "guess"}):
            reply = platform.client.request(
                method, f"{platform.backend}{path}", json=body, headers=headers
            )
            assert reply.status_code == 401

    def test_an_instance_says_how_much_waits_and_refuses_nonsense(self, lab: Any) -> None:
        platform = lab().platform
        load = platform.client.get(f"{platform.backend}/peer/load", headers=PEER)
        assert load.json() == {"waiting": 0}
        refused = platform.client.post(f"{platform.backend}/peer/work", json={}, headers=PEER)
        assert refused.status_code == 400
