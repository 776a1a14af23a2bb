"""The gateway's protocol on real sockets: handshake, the five events, and bad input."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from tests.platform.gateway.clients import FIVE


def test_a_request_gets_its_five_events_in_order_exactly_once(lab: Any) -> None:
    person = lab.person("marigold")
    socket = person.connect()
    socket.ask("request-1", person.thread_id)
    answer = socket.receive_until("agent_completed")
    lab.wait_until_silent()
    socket.ping()

    assert socket.events() == FIVE
    assert socket.event_ids() == [1, 2, 3, 4, 5]
    events = [message for message in socket.seen if "event_id" in message]
    assert {(event["request_id"], event["user_id"]) for event in events} == {
        ("request-1", person.id)
    }
    assert "marigold" in answer["data"]["result"]
    assert len(answer["data"]["recommendations"]) >= 2


def test_the_first_message_says_that_the_connection_is_established(lab: Any) -> None:
    person = lab.person()
    established = person.open().receive()
    config = lab.http.get(f"{lab.backend_url}/ws/config").json()
    assert established["type"] == "connection_established"
    assert established["data"] == {
        "connection_id": established["data"]["connection_id"],
        "user_id": person.id,
        "heartbeat_s": config["heartbeat_s"],
        "lifetime_s": config["lifetime_s"],
    }
    assert established["data"]["connection_id"]


def test_two_requests_at_once_each_get_their_events_in_order(lab: Any) -> None:
    person = lab.person()
    socket = person.connect()
    lab.model_hop.hold()
    socket.ask("one", person.thread_id)
    socket.ask("two", person.thread_id)
    lab.model_hop.wait_for(2)
    lab.model_hop.let_go()
    while len(socket.event_ids()) < 10:
        socket.receive()
    assert socket.events("one") == FIVE
    assert socket.events("two") == FIVE
    assert socket.event_ids() == list(range(1, 11))


def test_a_token_in_a_subprotocol_is_accepted_and_never_echoed(lab: Any) -> None:
    person = lab.person()
    carrier = "jwt." + base64.urlsafe_b64encode(person.token.encode()).decode().rstrip("=")
    socket = lab.open(subprotocols=["golden-path.v1", carrier])
    assert socket.connection.subprotocol == "golden-path.v1"
    assert socket.receive()["data"]["user_id"] == person.id
    assert person.token not in str(socket.connection.response.headers)


def test_without_an_offer_no_subprotocol_is_selected(lab: Any) -> None:
    assert lab.person().open().connection.subprotocol is None


@pytest.mark.parametrize(
    ("options", "status", "code"),
    [
        ({}, 401, "token_missing"),
        ({"additional_headers": {"Authorization": "Bearer nonsense"}}, 401, "token_malformed"),
        ({"subprotocols": ["golden-path.v1", "jwt.%"]}, 401, "token_malformed"),
        ({"mode": "sideways"}, 400, "unknown_mode"),
    ],
)
def test_a_bad_handshake_is_refused_before_it_is_accepted(
    lab: Any, options: dict[str, Any], status: int, code: str
) -> None:
    with pytest.raises(InvalidStatus) as refused:
        lab.open(**options)
    response = refused.value.response
    assert response.status_code == status
    assert json.loads(response.body)["error"]["code"] == code
    assert lab.state()["connections"] == []


def test_while_nobody_can_check_tokens_the_handshake_says_try_later(lab: Any) -> None:
    person = lab.person()
    upstream, lab.auth_hop.upstream = lab.auth_hop.upstream, lab.model_hop.upstream
    with pytest.raises(InvalidStatus) as refused:
        person.open()
    lab.auth_hop.upstream = upstream
    response = refused.value.response
    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) >= 1
    assert json.loads(response.body)["error"]["retryable"] is True


@pytest.mark.parametrize(
    ("text", "code", "request_id"),
    [
        ("{", "invalid_request", None),
        ("[1]", "invalid_request", None),
        ("[" * 50_000, "invalid_request", None),
        (b"\x00\x01", "invalid_request", None),
        ('{"type": "dance", "id": "d"}', "unknown_message_type", "d"),
        ('{"type": ["ping"]}', "unknown_message_type", None),
        ('{"type": "agent_request", "id": "a"}', "invalid_request", "a"),
        ('{"type": "agent_request", "id": 7, "thread_id": "t"}', "invalid_request", None),
        ('{"type": "ping", "surprise": 1}', "invalid_request", None),
        ('{"type": "resume", "last_event_id": -1}', "invalid_request", None),
        ('{"type": "resume", "last_event_id": 1}', "invalid_request", None),
        ('{"type": "resume", "last_event_id": true}', "invalid_request", None),
    ],
)
def test_a_bad_message_is_answered_and_the_connection_stays(
    lab: Any, text: str | bytes, code: str, request_id: str | None
) -> None:
    person = lab.person()
    socket = person.connect()
    socket.connection.send(text)
    error = socket.receive()
    assert error["type"] == "error"
    assert error["request_id"] == request_id
    assert error["data"]["code"] == code
    assert error["data"]["correlation_id"]
    socket.ask("after", person.thread_id)
    socket.receive_until("agent_completed", request_id="after")


def test_a_message_cannot_name_another_user(lab: Any) -> None:
    person, other = lab.person(), lab.person()
    socket = person.connect()
    accepted = lab.state()["messages"]["accepted"]
    socket.send(
        type="agent_request", id="r", thread_id=person.thread_id, message="?", user_id=other.id
    )
    error = socket.receive()
    assert (error["type"], error["data"]["code"]) == ("error", "identity_spoofed")
    assert lab.wait_until_silent()["messages"]["accepted"] == accepted


def test_a_message_that_is_too_big_closes_with_1009(start_lab: Any) -> None:
    lab = start_lab(max_message_bytes=1000)
    person = lab.person()
    fits, too_big = person.connect(), person.connect()
    fits.connection.send(json.dumps({"type": "ping", "id": "x"}).ljust(1000))
    assert fits.receive() == {"type": "pong", "id": "x"}
    too_big.connection.send("ü" * 501)
    assert too_big.close_code() == 1009


def test_a_client_that_talks_only_nonsense_is_closed_with_1008(start_lab: Any) -> None:
    lab = start_lab(misunderstood_allowed=3)
    socket = lab.person().connect()
    for _ in range(3):
        socket.connection.send("nonsense")
    socket.ping()
    for _ in range(4):
        socket.connection.send("nonsense")
    assert socket.close_code() == 1008


def test_a_request_that_is_being_worked_on_is_not_begun_again(lab: Any) -> None:
    person = lab.person()
    socket = person.connect()
    accepted = lab.state()["messages"]["accepted"]
    lab.model_hop.hold()
    socket.ask("once", person.thread_id)
    lab.model_hop.wait_for(1)
    socket.ask("once", person.thread_id)
    socket.ping()
    lab.model_hop.let_go()
    socket.receive_until("agent_completed")
    assert lab.wait_until_silent()["messages"]["accepted"] == accepted + 1
    socket.ping()
    assert socket.events("once") == FIVE


def test_a_request_in_an_unknown_thread_is_answered_with_an_error(lab: Any) -> None:
    person = lab.person()
    socket = person.connect()
    socket.ask("lost", "no-such-thread")
    error = socket.receive_until("error", request_id="lost")
    assert error["data"]["code"] == "thread_not_found"
