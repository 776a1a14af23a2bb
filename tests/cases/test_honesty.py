"""Nothing is green unless something was observed: blind probes, and pairs that must not diverge."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from typing import Any

import pytest

from gp_helpers.checkers import Outcome, judge
from gp_helpers.execution.trials import Plan, run_trial
from gp_helpers.history import Entry, History, Kind, Recorder, first_divergence
from gp_helpers.plan import CASES
from gp_helpers.probes import new_client
from tests.cases.test_detection import in_threads

SEEN = (Kind.RESPONSE, Kind.WS_RECEIVED, Kind.DECISION)
"""What probes write down of what they see."""


def histories_of(case: str, count: int) -> list[History]:
    """Histories of remediated trials with the same seed."""
    plan = Plan(case, in_threads("remediated"), frozenset(), 1, 1)

    async def run() -> list[History]:
        async with new_client() as http:
            return [(await run_trial(plan, 1, http))[1] for _ in range(count)]

    return asyncio.run(run())


@functools.cache
def whole_history(case: str) -> History:
    return histories_of(case, 1)[0]


@pytest.mark.parametrize("case", CASES)
def test_two_trials_of_the_same_wiring_and_seed_diverge_nowhere(case: str) -> None:
    one, [other] = whole_history(case), histories_of(case, 1)
    assert judge(one).outcome is Outcome.PASS
    assert first_divergence(one, other) is None


@pytest.mark.parametrize("case", CASES)
def test_a_probe_that_drops_what_it_sees_never_ends_in_a_pass(
    case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    add: Callable[..., Entry] = Recorder.add
    seen = {entry.kind for entry in whole_history(case) if entry.step != "components"}
    assert seen & set(SEEN)
    for kind in seen & set(SEEN):

        def add_all_but(
            recorder: Recorder,
            what: Kind,
            actor: str,
            subject: str = "",
            /,
            dropped_kind: Kind = kind,
            **data: Any,
        ) -> Entry:
            if what is dropped_kind:
                return Entry(-1, recorder.now, actor, what, subject, "", data)
            return add(recorder, what, actor, subject, **data)

        monkeypatch.setattr(Recorder, "add", add_all_but)
        [blind] = histories_of(case, 1)
        assert judge(blind).outcome is Outcome.INCONCLUSIVE, (kind, judge(blind).reason)
        monkeypatch.setattr(Recorder, "add", add)
