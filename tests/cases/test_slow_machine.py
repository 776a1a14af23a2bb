"""Whatever is slow, a trial shows what another of the same wiring and seed shows.

What a busy machine does here and there is done in one place, and on purpose.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import uvicorn

from gp_helpers.cases.auth.error_amplification import ErrorAmplification
from gp_helpers.cases.websocket import event_manager_init
from gp_helpers.checkers import Outcome
from gp_helpers.execution.trials import Plan, defects_for
from gp_helpers.faults import Hold
from gp_helpers.history import Entry, Kind, first_divergence
from gp_helpers.probes import Client, Person, Socket
from gp_helpers.probes.http_client import KEPT_ALIVE_S
from gp_helpers.targets import Hop
from gp_helpers.targets.transports import Received
from gp_helpers.targets.transports.json_text import JsonChannel
from tests.cases.trials import Direction, in_threads, trial_of

A_LONG_TIME_S = 1.2
NO_TIME_S = 1e-4


def assert_shows_what_it_always_shows(case: str, remediated: Direction) -> None:
    verdict, slow = trial_of(Plan(case, in_threads("remediated"), frozenset(), 1, 1))
    assert verdict.outcome is Outcome.PASS, verdict.reason
    divergence = first_divergence(slow, remediated.history_of(case))
    assert divergence is None, divergence


def test_a_client_that_resumes_late_still_has_its_connection(
    remediated: Direction, monkeypatch: pytest.MonkeyPatch
) -> None:
    resume = Client.resume

    async def resume_late(client: Client, socket: Socket, last_event_id: Any) -> Entry | None:
        """Longer than the lives of connections once were."""
        await socket.watch(A_LONG_TIME_S, until=lambda: False)
        return await resume(client, socket, last_event_id)

    monkeypatch.setattr(Client, "resume", resume_late)
    assert_shows_what_it_always_shows("websocket.cloud_run_timeout", remediated)


@pytest.mark.parametrize(
    "case", ["routing.selection_conflict", "routing.priority", "routing.load_balancing"]
)
def test_an_answer_that_takes_longer_than_the_probe_s_patience_is_an_answer(
    case: str, remediated: Direction, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait_until, watch = Socket.wait_until, Socket.watch
    ran_out = []

    async def wait_a_moment(
        socket: Socket, condition: Callable[[], bool], *, timeout_s: float, awaited: str
    ) -> bool:
        if awaited.startswith("answer"):
            ran_out.append(awaited)
            timeout_s = NO_TIME_S
        return await wait_until(socket, condition, timeout_s=timeout_s, awaited=awaited)

    async def watch_a_moment(socket: Socket, seconds: float, *, until: Callable[[], bool]) -> None:
        ran_out.append(f"watched {seconds}")
        await watch(socket, NO_TIME_S, until=until)

    monkeypatch.setattr(Socket, "wait_until", wait_a_moment)
    monkeypatch.setattr(Socket, "watch", watch_a_moment)
    assert_shows_what_it_always_shows(case, remediated)
    assert ran_out


@pytest.mark.parametrize("case", ["websocket.cleanup_race", "journey.error_recovery"])
def test_a_pong_that_comes_late_is_a_pong(
    case: str, remediated: Direction, monkeypatch: pytest.MonkeyPatch
) -> None:
    receive = JsonChannel.receive
    late = []

    async def receive_late(channel: JsonChannel) -> Received:
        received = await receive(channel)
        if not late and received.message["type"] == "pong":
            late.append(received)
            await asyncio.sleep(A_LONG_TIME_S)
        return received

    monkeypatch.setattr(JsonChannel, "receive", receive_late)
    assert_shows_what_it_always_shows(case, remediated)
    assert late


def test_all_events_of_the_gap_are_lost_though_the_agent_is_slower_than_the_hop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(event_manager_init, "AUTH_HOP_S", NO_TIME_S)
    parameters = in_threads("as_reported")
    case = event_manager_init.EventManagerInit.id
    plan = Plan(case, parameters, defects_for(parameters, case), 1, 1)
    verdict, _ = trial_of(plan)
    assert verdict.outcome is Outcome.FAIL, verdict.reason
    assert verdict.findings == ("WS_EVENTS_LOST_AFTER_CONNECT",)
    assert verdict.reason.endswith("got none of the five events")


def test_an_auth_service_that_answers_late_has_not_failed(
    remediated: Direction, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = ErrorAmplification._work
    late = []

    async def work_late(case: ErrorAmplification, person: Person, when: str) -> dict[str, object]:
        """The first time, question and retry take longer than the backend once gave them."""
        if not late:
            plan = case.trial.controls.http_fault(Hop.BACKEND_AUTH).plan
            late.append(plan.add(Hold(0.5), times=2))
        return await work(case, person, when)

    monkeypatch.setattr(ErrorAmplification, "_work", work_late)
    assert_shows_what_it_always_shows(ErrorAmplification.id, remediated)
    assert late[0].applied_to


def test_each_validator_is_asked_with_a_clock_that_was_set_for_it(remediated: Direction) -> None:
    """What all of them take together on a busy machine is more than the allowed skew."""
    step = [
        entry
        for entry in remediated.history_of("auth.timing")
        if entry.step == "present_within_the_allowed_skew"
    ]
    kinds = [one.kind for one in step if one.kind in (Kind.CONTROL, Kind.DECISION)]
    assert len(kinds) > 4
    assert kinds == [*[Kind.CONTROL, Kind.DECISION] * (len(kinds) // 2), Kind.CONTROL]
    assert step[-2].data["offset_s"] == 0.0


def test_no_connection_is_used_again_when_its_server_is_about_to_close_it() -> None:
    closes_after_s = uvicorn.Config("nothing:here").timeout_keep_alive
    assert closes_after_s / 2 >= KEPT_ALIVE_S
