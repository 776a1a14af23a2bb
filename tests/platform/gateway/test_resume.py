"""Leaving and coming back: what is delivered, to which connections, and in which order."""

from __future__ import annotations

from typing import Any

from tests.platform.gateway.clients import FIVE


def ask_and_be_cut_while_the_agent_thinks(lab: Any, person: Any) -> int:
    """Ask, lose the connection between the second event and the third; the last id seen."""
    socket = person.connect()
    lab.model_hop.hold()
    socket.ask("r", person.thread_id)
    last_seen: int = socket.receive_until("agent_thinking")["event_id"]
    socket.cut()
    lab.wait_for_state(lambda state: not state["connections"], "the cut to be noticed")
    return last_seen


def test_what_happened_while_away_is_replayed(lab: Any) -> None:
    person = lab.person()
    last_seen = ask_and_be_cut_while_the_agent_thinks(lab, person)
    lab.model_hop.let_go()
    lab.wait_until_silent()

    again = person.connect()
    again.send(type="resume", last_event_id=last_seen)
    again.receive_until("agent_completed")
    lab.wait_until_silent()
    again.ping()
    assert again.events() == FIVE[2:]
    assert again.event_ids() == [3, 4, 5]


def test_replay_goes_over_into_live_events_without_gap_or_repetition(lab: Any) -> None:
    person = lab.person()
    last_seen = ask_and_be_cut_while_the_agent_thinks(lab, person)
    again = person.connect()
    lab.model_hop.let_go()
    lab.wait_for_state(lambda state: state["requests"] == 0, "the answer")
    again.send(type="resume", last_event_id=last_seen)
    again.receive_until("agent_completed")
    assert again.event_ids() == [3, 4, 5]


def test_events_wait_for_the_resume_of_a_client_that_comes_back(start_lab: Any) -> None:
    """Events that are emitted before the resume arrives must not overtake what was missed."""
    lab = start_lab(resume_grace_s=30)
    person = lab.person()
    ask_and_be_cut_while_the_agent_thinks(lab, person)
    again = person.connect()
    lab.model_hop.let_go()
    lab.wait_for_state(lambda state: state["requests"] == 0, "the answer")
    again.ping()
    assert again.event_ids() == []
    assert lab.state()["in_flight"] > 0
    again.send(type="resume", last_event_id=0)
    again.receive_until("agent_completed")
    assert again.event_ids() == [1, 2, 3, 4, 5]


def test_a_client_that_never_resumes_gets_events_after_the_grace(start_lab: Any) -> None:
    lab = start_lab(resume_grace_s=0.05)
    person = lab.person()
    asking, listening = person.connect(), person.connect()
    asking.ask("r", person.thread_id)
    listening.receive_until("agent_completed")
    assert listening.events() == FIVE


def test_every_connection_of_a_user_gets_every_event_once(lab: Any) -> None:
    person, stranger = lab.person(), lab.person()
    sockets = [person.connect() for _ in range(4)]
    elsewhere = stranger.connect()
    for number, socket in enumerate(sockets):
        socket.ask(f"r{number}", person.thread_id)
    for socket in sockets:
        while len(socket.event_ids()) < 20:
            socket.receive()
    lab.wait_until_silent()
    for socket in sockets:
        socket.ping()
        assert socket.event_ids() == list(range(1, 21))
        for number in range(4):
            assert socket.events(f"r{number}") == FIVE
    elsewhere.ping()
    assert elsewhere.events() == []


def test_resuming_where_nothing_was_missed_brings_nothing(lab: Any) -> None:
    person = lab.person()
    socket = person.connect()
    socket.ask("r", person.thread_id)
    socket.receive_until("agent_completed")
    socket.close()
    again = person.connect()
    again.send(type="resume", last_event_id=5)
    again.ping()
    assert again.events() == []


def test_a_late_resume_brings_what_was_missed_once(lab: Any) -> None:
    person = lab.person()
    first = person.connect()
    first.ask("missed", person.thread_id)
    first.receive_until("agent_completed")
    first.close()
    again = person.connect()
    again.ask("new", person.thread_id)
    again.receive_until("agent_completed", request_id="new")
    again.send(type="resume", last_event_id=3)
    again.receive_until("agent_completed", request_id="missed")
    again.send(type="resume", last_event_id=3)
    again.ping()
    assert again.event_ids() == [6, 7, 8, 9, 10, 4, 5]


def test_a_request_whose_sender_left_at_once_is_answered(lab: Any) -> None:
    person = lab.person()
    accepted = lab.state()["messages"]["accepted"]
    socket = person.connect()
    socket.ask("r", person.thread_id)
    socket.close()
    lab.wait_for_state(lambda state: state["messages"]["accepted"] == accepted + 1, "the request")
    lab.wait_until_silent()
    again = person.connect()
    again.send(type="resume", last_event_id=0)
    again.receive_until("agent_completed")
    assert again.events("r") == FIVE


def test_without_a_store_the_sender_is_told_directly(start_lab: Any) -> None:
    lab = start_lab(busy_timeout_s=0.1)
    person = lab.person()
    socket = person.connect()
    with lab.write_lock():
        socket.ask("r", person.thread_id)
        error = socket.receive_until("error", request_id="r")
    assert error["data"]["code"] == "store_unavailable"
    assert error["data"]["retryable"] is True
    socket.ask("r", person.thread_id)
    socket.receive_until("agent_completed", request_id="r")
