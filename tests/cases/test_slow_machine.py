"""Whatever is slow, a trial shows what another of the same wiring and seed shows.

What a busy machine does here and there is done in one place, and on purpose.
"""

from __future__ import annotations

from typing import Any

import pytest

from gp_helpers.checkers import Outcome
from gp_helpers.execution.trials import Plan
from gp_helpers.history import Entry, first_divergence
from gp_helpers.probes import Client, Socket
from tests.cases.trials import Direction, in_threads, trial_of

A_LONG_TIME_S = 1.2


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
        """Longer than the lives of connections once were, unless its own ends before."""
        await socket.watch(A_LONG_TIME_S, until=lambda: False)
        return await resume(client, socket, last_event_id)

    monkeypatch.setattr(Client, "resume", resume_late)
    assert_shows_what_it_always_shows("websocket.cloud_run_timeout", remediated)
