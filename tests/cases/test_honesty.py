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


def without(history: History, kind: Kind) -> History:
    """The history as it would be had the probes written down nothing of a kind."""
    places: dict[int, int] = {}
    entries: list[Entry] = []
    for entry in history:
        if entry.kind is kind:
            continue
        places[entry.seq] = len(entries)
        data = {name: _moved(name, value, places) for name, value in entry.data.items()}
        entries.append(entry._replace(seq=len(entries), data=data))
    return History(tuple(entries))


def _moved(name: str, value: Any, places: dict[int, int]) -> Any:
    if name == "rests_on":
        return [places.get(place, -1) for place in value]
    return places.get(value, -1) if name in ("request", "exchange", "work") else value


@pytest.mark.parametrize("case", CASES)
def test_a_probe_that_drops_a_kind_of_what_it_sees_never_ends_in_a_pass(case: str) -> None:
    whole = whole_history(case)
    seen = {entry.kind for entry in whole if entry.step != "components"} & set(SEEN)
    assert seen
    for kind in seen:
        verdict = judge(without(whole, kind))
        assert verdict.outcome is Outcome.INCONCLUSIVE, (kind, verdict.reason)


@pytest.mark.parametrize("case", CASES)
def test_a_probe_that_drops_all_that_it_sees_comes_to_its_end_without_a_pass(
    case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    add: Callable[..., Entry] = Recorder.add

    def add_all_but(
        recorder: Recorder, what: Kind, actor: str, subject: str = "", /, **data: Any
    ) -> Entry:
        if what in SEEN:
            return Entry(-1, recorder.now, actor, what, subject, "", data)
        return add(recorder, what, actor, subject, **data)

    monkeypatch.setattr(Recorder, "add", add_all_but)
    [blind] = histories_of(case, 1)
    assert judge(blind).outcome is Outcome.INCONCLUSIVE, judge(blind).reason
