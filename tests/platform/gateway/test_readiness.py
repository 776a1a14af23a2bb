"""An instance that is still starting: the handshake waits, and then is honest."""

from __future__ import annotations

import json
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from gp_helpers.platform.wiring import Wiring


def test_a_handshake_waits_for_the_instance_to_be_ready(start_lab: Any) -> None:
    lab = start_lab(cold=True, hold_model=True)
    person = lab.person()
    opening = [lab.in_background(person.connect) for _ in range(5)]
    lab.wait_for_state(lambda state: state["under_way"]["handshake"] == 5, "five handshakes")
    assert lab.http.get(f"{lab.backend_url}/health/ready").status_code == 503
    assert lab.http.get(f"{lab.backend_url}/health/live").status_code == 200
    lab.model_hop.let_go()
    for opened in opening:
        opened().ping()


def test_a_handshake_that_waited_long_enough_is_told_to_try_later(start_lab: Any) -> None:
    lab = start_lab(cold=True, hold_model=True, ready_wait_s=0.05)
    person = lab.person()
    with pytest.raises(InvalidStatus) as refused:
        person.open()
    response = refused.value.response
    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) >= 1
    assert json.loads(response.body)["error"]["code"] == "not_ready"
    lab.model_hop.let_go()
    lab.wait_for_state(lambda state: all(state["readiness"].values()), "readiness")
    person.connect().ping()


def test_whoever_hosts_the_backend_is_told_how_to_probe_it() -> None:
    remediated = Wiring().component("startup_probe")()
    as_reported = Wiring(["websocket.unready_accept"]).component("startup_probe")()
    assert remediated.to_json() == {"type": "http", "path": "/health/ready"}
    assert as_reported.to_json() == {"type": "tcp"}
