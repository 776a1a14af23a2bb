"""Each WebSocket defect alone shows its symptom on the wire, every time, and its remedy does not.

A scenario makes the race by ordering real messages: a hop is held until something else has
happened. It returns what was observed, so that both platforms run the very same steps.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.platform.gateway.clients import FIVE
from tests.platform.gateway.idle_proxy import IdleProxy

NOTHING: list[str] = []


@pytest.fixture
def healthy(start_lab: Any) -> Iterator[Any]:
    """Starts platforms, and holds that their health is green whatever went wrong on the wire."""
    labs: list[Any] = []

    def start(*defects: str, **options: Any) -> Any:
        labs.append(start_lab(*defects, **options))
        return labs[-1]

    yield start
    for lab in labs:
        assert lab.is_ready()
        assert lab.state()["failed_tasks"] == {}


def connect_to_a_cold_instance(lab: Any) -> list[tuple[int, list[str]]]:
    """Five handshakes while the model server keeps the instance from getting ready.

    What each was answered, and what came after the instance was ready: on the same connection,
    or on a second one where the first was refused.
    """
    person = lab.person()

    def try_to_open() -> tuple[int, Any]:
        try:
            return 101, person.open()
        except InvalidStatus as refused:
            return refused.response.status_code, None

    answers = [answer() for answer in [lab.in_background(try_to_open) for _ in range(5)]]
    assert not lab.is_ready()
    lab.model_hop.let_go()
    lab.wait_for_state(lambda state: all(state["readiness"].values()), "readiness")
    sockets = [socket or person.open() for _status, socket in answers]
    before = lab.state()["messages"]["received"]
    for socket in sockets:
        socket.send(type="ping", id="are you there?")
    lab.wait_for_state(lambda state: state["messages"]["received"] == before + 5, "the pings")
    lab.wait_until_silent()
    return [
        (status, [message["type"] for message in socket.receive_all()])
        for (status, _first), socket in zip(answers, sockets, strict=True)
    ]


def test_unready_accept(healthy: Any) -> None:
    cold = {"cold": True, "hold_model": True, "ready_wait_s": 0.2}
    as_reported = connect_to_a_cold_instance(healthy("websocket.unready_accept", **cold))
    remediated = connect_to_a_cold_instance(healthy(**cold))
    assert as_reported == [(101, NOTHING)] * 5
    assert remediated == [(503, ["connection_established", "pong"])] * 5


def ask_right_after_connecting(lab: Any) -> list[str]:
    """The agent answers while the auth service is slow with profiles."""
    person = lab.person()
    lab.auth_hop.hold("/auth/me")
    socket = person.connect()
    socket.ask("r", person.thread_id)
    lab.wait_for_state(lambda state: state["messages"]["accepted"] == 1, "the request")
    lab.wait_for_state(lambda state: state["requests"] == 0, "the answer")
    lab.auth_hop.let_go()
    lab.wait_until_silent()
    socket.ping()
    seen = socket.events("r")
    socket.ask("later", person.thread_id)
    socket.receive_until("agent_completed", request_id="later")
    assert socket.events("later") == FIVE
    return seen


def test_lazy_event_manager(healthy: Any) -> None:
    assert ask_right_after_connecting(healthy("websocket.lazy_event_manager")) == NOTHING
    assert ask_right_after_connecting(healthy()) == FIVE


def reconnect_while_the_old_clean_up_writes(lab: Any) -> list[str]:
    """The store is busy when the old connection is cleaned up."""
    person = lab.person()
    old = person.connect()
    lab.wait_until_silent()
    with lab.write_lock():
        old.cut()
        lab.wait_for_state(lambda state: state["under_way"]["clean_up"] == 1, "clean-up")
        new = person.connect()
        new.ping()
    lab.wait_until_silent()
    return ask_once(lab, person, new)


def reconnect_before_the_old_connection_is_missed(lab: Any) -> list[str]:
    """The old connection's end is noticed when the new one is there."""
    person = lab.person()
    old, new = person.connect(), person.connect()
    old.cut()
    lab.wait_for_state(lambda state: len(state["connections"]) == 1, "the cut to be noticed")
    return ask_once(lab, person, new)


def ask_once(lab: Any, person: Any, socket: Any) -> list[str]:
    accepted = lab.state()["messages"]["accepted"]
    socket.ask("r", person.thread_id)
    lab.wait_for_state(lambda state: state["messages"]["accepted"] == accepted + 1, "the request")
    lab.wait_until_silent()
    socket.ping()
    events: list[str] = socket.events("r")
    return events


@pytest.mark.parametrize(
    "scenario",
    [reconnect_while_the_old_clean_up_writes, reconnect_before_the_old_connection_is_missed],
)
def test_registry_by_user(healthy: Any, scenario: Any) -> None:
    assert scenario(healthy("websocket.registry_by_user")) == NOTHING
    assert scenario(healthy()) == FIVE


def handlers_after_lost_connections(lab: Any) -> int:
    person = lab.person()
    for _ in range(4):
        person.connect().cut()
    lab.wait_for_state(lambda state: not state["connections"], "clean-up")
    handlers: int = lab.wait_until_silent()["handlers"]
    return handlers


def test_orphan_handlers(healthy: Any) -> None:
    assert handlers_after_lost_connections(healthy("websocket.orphan_handlers")) == 4 * 3
    assert handlers_after_lost_connections(healthy()) == 0


def resume_after_a_cut(lab: Any) -> list[str]:
    """The connection is cut while the agent thinks; the rest of the answer comes meanwhile."""
    person = lab.person()
    socket = person.connect()
    lab.model_hop.hold()
    socket.ask("r", person.thread_id)
    last_seen = socket.receive_until("agent_thinking")["event_id"]
    socket.cut()
    lab.wait_for_state(lambda state: not state["connections"], "the cut to be noticed")
    lab.model_hop.let_go()
    lab.wait_until_silent()
    again = person.connect()
    again.send(type="resume", last_event_id=last_seen)
    again.ping()
    lab.wait_until_silent()
    again.ping()
    events: list[str] = again.events("r")
    return events


@pytest.mark.parametrize("defect", ["websocket.no_replay", "websocket.answer_lost_after_cut"])
def test_what_is_said_while_nobody_listens(healthy: Any, defect: str) -> None:
    assert resume_after_a_cut(healthy(defect)) == NOTHING
    assert resume_after_a_cut(healthy()) == FIVE[2:]


def two_users_connect_at_once(lab: Any) -> dict[str, Any]:
    """The second handshake arrives while the first waits for the auth service."""
    first_user, second_user = lab.person("first-canary"), lab.person("second-canary")
    lab.auth_hop.hold("/auth/validate")
    opening_first = lab.in_background(first_user.connect)
    lab.auth_hop.wait_for(1)
    opening_second = lab.in_background(second_user.connect)
    lab.auth_hop.wait_for(2)
    lab.auth_hop.let_go()
    first, second = opening_first(), opening_second()
    first.ask("of-first", first_user.thread_id)
    second.ask("of-second", second_user.thread_id)
    second.receive_until("agent_completed", request_id="of-second")
    lab.wait_until_silent()
    first.ping()
    second.ping()
    assert second.events("of-second") == FIVE
    assert second.events("of-first") == NOTHING
    return {
        "own": first.events("of-first"),
        "foreign": first.events("of-second"),
        "sees foreign canary": "second-canary" in json.dumps(first.seen),
    }


def test_shared_setup_state(healthy: Any) -> None:
    as_reported = two_users_connect_at_once(healthy("websocket.shared_setup_state"))
    remediated = two_users_connect_at_once(healthy())
    assert as_reported == {"own": NOTHING, "foreign": FIVE, "sees foreign canary": True}
    assert remediated == {"own": FIVE, "foreign": NOTHING, "sees foreign canary": False}


def stay_idle_behind_a_proxy(lab: Any, idle_s: float) -> bool:
    """Whether a connection outlives four idle timeouts of a proxy in front."""
    proxy = IdleProxy(int(lab.backend_url.rpartition(":")[2]), idle_s)
    try:
        socket = lab.person().connect(port=proxy.port)
        beats = 0
        while beats < 12:
            beats += socket.receive()["type"] == "heartbeat"
    except ConnectionClosed:
        return False
    finally:
        lab.tidy()
        proxy.close()
    return proxy.cuts == 0


def test_inverted_timeouts(healthy: Any) -> None:
    # Long enough for a heartbeat that a busy machine delays.
    settings = {"idle_timeout_s": 0.9, "request_timeout_s": 20}
    as_reported = healthy("websocket.inverted_timeouts", **settings)
    remediated = healthy(**settings)
    assert not stay_idle_behind_a_proxy(as_reported, 0.9)
    assert stay_idle_behind_a_proxy(remediated, 0.9)
    for lab, is_nested in ((as_reported, False), (remediated, True)):
        config = lab.http.get(f"{lab.backend_url}/ws/config").json()
        assert (config["heartbeat_s"] < config["idle_timeout_s"]) is is_nested
        assert (config["lifetime_s"] < config["request_timeout_s"]) is is_nested
