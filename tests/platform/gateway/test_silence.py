"""Silence can be proven: what is under way shows in the state for as long as it is."""

from __future__ import annotations

from typing import Any

from tests.platform.gateway.hop import wait_until


def test_a_request_is_in_flight_until_its_last_event_was_sent(lab: Any) -> None:
    person = lab.person()
    socket = person.connect()
    before = lab.wait_until_silent()
    lab.model_hop.hold()
    socket.ask("r", person.thread_id)
    socket.receive_until("agent_thinking")
    wait_until(lambda: not lab.state()["notices"])
    for _ in range(5):
        assert lab.state()["in_flight"] == 1
    lab.model_hop.let_go()
    socket.receive_until("agent_completed")
    after = lab.wait_until_silent()
    assert after["messages"] == {
        "received": before["messages"]["received"] + 1,
        "sent": before["messages"]["sent"] + 5,
        "accepted": before["messages"]["accepted"] + 1,
    }


def test_a_held_handshake_is_in_flight(lab: Any) -> None:
    person = lab.person()
    lab.auth_hop.hold("/auth/validate")
    opening = lab.in_background(person.connect)
    lab.auth_hop.wait_for(1)
    assert lab.state()["in_flight"] == 1
    lab.auth_hop.let_go()
    opening()
    lab.wait_until_silent()


def test_a_clean_up_that_waits_for_the_store_is_in_flight(lab: Any) -> None:
    person = lab.person()
    socket = person.connect()
    lab.wait_until_silent()
    with lab.write_lock():
        socket.cut()
        lab.wait_for_state(lambda state: state["under_way"]["clean_up"] == 1, "clean-up")
        assert lab.state()["in_flight"] == 1
    lab.wait_until_silent()


def test_a_silent_platform_sends_nothing_more(lab: Any) -> None:
    people = [lab.person() for _ in range(3)]
    sockets = [person.connect() for person in people]
    for person, socket in zip(people, sockets, strict=True):
        socket.ask("r", person.thread_id)
    lab.wait_until_silent()
    for socket in sockets:
        socket.ping()
        assert len(socket.events()) == 5
    seen = [len(socket.seen) for socket in sockets]
    for socket in sockets:
        socket.ping()
    assert [len(socket.seen) for socket in sockets] == [count + 1 for count in seen]
