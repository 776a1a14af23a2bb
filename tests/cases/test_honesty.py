"""Nothing is green unless something was observed: probes that drop what they see."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gp_helpers.checkers import Outcome, judge
from gp_helpers.execution.trials import Plan
from gp_helpers.history import Entry, History, Kind, Recorder
from gp_helpers.plan import CASES
from tests.cases.trials import Direction, in_threads, trial_of

SEEN = (Kind.RESPONSE, Kind.WS_RECEIVED, Kind.DECISION)
"""What probes write down of what they see."""


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
def test_a_probe_that_drops_a_kind_of_what_it_sees_never_ends_in_a_pass(
    case: str, remediated: Direction
) -> None:
    whole = remediated.history_of(case)
    assert judge(whole).outcome is Outcome.PASS
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
    _, blind = trial_of(Plan(case, in_threads("remediated"), frozenset(), 1, 1))
    assert judge(blind).outcome is Outcome.INCONCLUSIVE, judge(blind).reason
