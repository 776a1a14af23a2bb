"""What is left of connections when they are over: nothing, however they ended."""

from __future__ import annotations

import sqlite3
from typing import Any


def is_at_rest(state: dict[str, Any]) -> bool:
    return (
        not state["connections"]
        and state["handlers"] == 0
        and state["registry"] == {"connections": 0, "users": 0}
        and state["in_flight"] == 0
    )


def presence_rows(lab: Any) -> int:
    connection = sqlite3.connect(lab.store.url.removeprefix("sqlite:///"))
    try:
        (count,) = connection.execute("SELECT count(*) FROM presence").fetchone()
    finally:
        connection.close()
    return int(count)


def test_open_connections_are_counted(lab: Any) -> None:
    person, other = lab.person(), lab.person()
    opened = [person.connect(), person.connect("isolated"), other.connect()]
    state = lab.wait_until_silent()
    assert state["registry"] == {"connections": 3, "users": 2}
    assert state["handlers"] == 9
    assert sorted((each["user_id"], each["mode"]) for each in state["connections"]) == sorted(
        [(person.id, "main"), (person.id, "isolated"), (other.id, "main")]
    )
    lab.wait_for_state(lambda _state: presence_rows(lab) == 3, "presence")
    assert len(opened) == 3


def test_nothing_is_left_however_connections_end(lab: Any) -> None:
    person = lab.person()
    for round_number in range(3):
        closed, cut, cut_at_work, too_big = (person.connect() for _ in range(4))
        closed.close()
        cut.cut()
        cut_at_work.ask(f"r{round_number}", person.thread_id)
        cut_at_work.receive_until("agent_thinking")
        cut_at_work.cut()
        too_big.connection.send("x" * 100_000)
        assert too_big.close_code() == 1009
    lab.wait_for_state(is_at_rest, "the baseline")
    assert presence_rows(lab) == 0
    state = lab.state()
    assert state["tasks"] == {}
    assert state["failed_tasks"] == {}


def test_clients_that_vanish_during_the_handshake_leave_nothing(lab: Any) -> None:
    person = lab.person()
    lab.auth_hop.hold("/auth/validate")
    half_open = [lab.half_open_handshake(person) for _ in range(3)]
    lab.wait_for_state(lambda state: state["under_way"]["handshake"] == 3, "handshakes")
    for connection in half_open:
        connection.close()
    lab.auth_hop.let_go()
    lab.wait_for_state(is_at_rest, "the baseline")
    assert lab.state()["failed_tasks"] == {}
    person.connect().ping()
    assert lab.state()["registry"]["connections"] == 1


def test_a_locked_store_neither_blocks_reconnecting_nor_leaves_the_old_behind(lab: Any) -> None:
    person = lab.person()
    person.connect().cut()
    with lab.write_lock():
        again = person.connect()
        again.ping()
    state = lab.wait_for_state(
        lambda state: state if state["registry"]["connections"] == 1 else None, "clean-up"
    )
    assert state["handlers"] == 3
    lab.wait_for_state(lambda _state: presence_rows(lab) == 1, "presence")
    again.ask("r", person.thread_id)
    again.receive_until("agent_completed")


def test_a_store_that_stays_locked_costs_presence_and_no_connection(start_lab: Any) -> None:
    lab = start_lab(busy_timeout_s=0.05)
    person = lab.person()
    socket = person.connect()
    lab.wait_for_state(lambda _state: presence_rows(lab) == 1, "presence")
    with lab.write_lock():
        socket.cut()
        lab.wait_for_state(is_at_rest, "the baseline")
        assert lab.state()["registry"]["connections"] == 0
        person.connect().ping()
        assert lab.state()["registry"]["connections"] == 1
