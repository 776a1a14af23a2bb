"""How connections are kept alive, and how they end: heartbeats, lifetime, close codes."""

from __future__ import annotations

import contextlib
import json
import time
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

BIG = 60_000


def test_heartbeats_come_before_the_idle_timeout(start_lab: Any) -> None:
    lab = start_lab(idle_timeout_s=0.3)
    config = lab.http.get(f"{lab.backend_url}/ws/config").json()
    assert config["heartbeat_s"] < config["idle_timeout_s"]
    socket = lab.person().connect()
    before = time.monotonic()
    for _ in range(3):
        assert socket.receive()["type"] == "heartbeat"
        assert time.monotonic() - before < config["idle_timeout_s"]
        before = time.monotonic()


def test_heartbeats_do_not_disturb_silence(start_lab: Any) -> None:
    lab = start_lab(idle_timeout_s=0.03)
    socket = lab.person().connect()
    lab.wait_until_silent()
    before = lab.state()
    for _ in range(3):
        socket.receive_until("heartbeat")
    after = lab.state()
    assert after["heartbeats"] > before["heartbeats"]
    assert after["messages"] == before["messages"]


def test_the_end_of_the_lifetime_is_announced_and_closes_with_1001(start_lab: Any) -> None:
    lab = start_lab(request_timeout_s=0.5)
    person = lab.person()
    opened = time.monotonic()
    socket = person.connect()
    assert socket.close_code() == 1001
    assert time.monotonic() - opened < 0.5
    announced = socket.seen[-1]
    assert announced["type"] == "reconnect"
    assert announced["data"]["reason"] == "lifetime"
    assert 0 < announced["data"]["after_s"] < socket.seen[0]["data"]["lifetime_s"]
    lab.wait_for_state(lambda state: state["handlers"] == 0, "clean-up")


def test_the_handshake_counts_for_the_lifetime(start_lab: Any) -> None:
    """The ingress counts from the handshake's arrival, and so must the gateway."""
    lab = start_lab(request_timeout_s=1.0)
    config = lab.http.get(f"{lab.backend_url}/ws/config").json()
    assert config["lifetime_s"] < 1.0
    person = lab.person()
    lab.auth_hop.hold("/auth/validate")
    opened = time.monotonic()
    opening = lab.in_background(person.connect)
    lab.auth_hop.wait_for(1)
    wait_s = 0.4 - (time.monotonic() - opened)
    lab.auth_hop.let_go_after(max(0.0, wait_s))
    assert opening().close_code() == 1001
    assert time.monotonic() - opened < 1.0


def test_a_life_passes_by_steps_of_the_clock(start_lab: Any) -> None:
    lab = start_lab(heartbeat_s=100.0, idle_timeout_s=600.0, reconnect_notice_s=30.0)
    socket = lab.person().connect()
    lab.step_the_clock(150)
    socket.ping()
    lab.step_the_clock(220)
    socket.ping()
    assert [one["type"] for one in socket.seen if one["type"] != "pong"] == [
        "connection_established",
        "heartbeat",
        "reconnect",
    ]
    lab.step_the_clock(241)
    assert socket.close_code() == 1001


def test_a_client_that_says_goodbye_gets_1000(lab: Any) -> None:
    socket = lab.person().connect()
    socket.connection.close(1000)
    with pytest.raises(ConnectionClosed) as closed:
        socket.receive()
    assert closed.value.rcvd.code == 1000
    lab.wait_for_state(lambda state: not state["connections"], "clean-up")


def test_a_server_that_stops_closes_with_1012(start_lab: Any) -> None:
    lab = start_lab()
    socket = lab.person().connect()
    lab.backend.ask_to_stop()
    assert socket.close_code() == 1012


def test_an_unexpected_error_closes_with_1011(start_lab: Any, monkeypatch: Any) -> None:
    from gp_helpers.platform.store import Outbox

    async def fail(_self: Any, _user_id: str, _last_event_id: int) -> None:
        raise ZeroDivisionError

    lab = start_lab()
    person = lab.person()
    first = person.connect()
    first.ask("r", person.thread_id)
    first.receive_until("agent_completed")
    again = person.connect()
    monkeypatch.setattr(Outbox, "after", fail)
    again.send(type="resume", last_event_id=0)
    assert again.close_code() == 1011
    first.ping()


def test_a_client_that_takes_nothing_is_closed_with_1013_and_costs_little(start_lab: Any) -> None:
    lab = start_lab(send_timeout_s=0.2, send_buffer=8)
    person = lab.person()
    stalled = lab.half_open_handshake(person)
    assert stalled.recv(12) == b"HTTP/1.1 101"
    flood = b"".join(_masked(json.dumps({"type": "ping", "id": "x" * 128})) for _ in range(BIG))
    stalled.settimeout(1)
    with contextlib.suppress(TimeoutError):
        # Once the connection is ending, a quick machine takes the rest and throws it away.
        stalled.sendall(flood)
    lab.wait_for_state(
        lambda state: [each["state"] for each in state["connections"]] == ["ending"], "the end"
    )
    stalled.settimeout(5)
    received = b""
    while b"\x03\xf5messages are not taken" not in received:
        chunk = stalled.recv(65536)
        assert chunk, "the connection ended without a close frame"
        received = received[-200:] + chunk
    other = lab.person().connect()
    other.ping()
    lab.wait_for_state(lambda state: len(state["connections"]) == 1, "clean-up")


def _masked(text: str) -> bytes:
    payload = text.encode()
    assert 126 <= len(payload) < 65536
    return b"\x81\xfe" + len(payload).to_bytes(2, "big") + b"\0\0\0\0" + payload
