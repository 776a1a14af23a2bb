"""Real histories with one thing changed: each claim can be violated, and none holds on nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from gp_helpers.checkers import Outcome, Verdict, judge
from gp_helpers.execution.trials import Plan
from gp_helpers.history import Entry, History, Kind
from gp_helpers.platform.defects.catalogue import defects_of
from tests.cases.trials import Direction, in_threads, trial_of

Change = Callable[[Entry], Mapping[str, Any]]


def judged_with(history: History, which: Callable[[Entry], bool], change: Change) -> Verdict:
    """The verdict about a trial in which certain entries say something else."""
    changed = [entry for entry in history if which(entry)]
    assert changed, "nothing in the history is like that"
    entries = tuple(
        entry._replace(data={**entry.data, **change(entry)}) if entry in changed else entry
        for entry in history
    )
    return judge(History(entries))


def decided(about: str, *deciders: str) -> Callable[[Entry], bool]:
    return lambda entry: (
        entry.kind is Kind.DECISION
        and entry.step != "components"
        and str(entry.data.get("about")).startswith(about)
        and (not deciders or entry.data.get("decider") in deciders)
    )


def test_a_bad_token_that_one_validator_accepts_is_found(remediated: Direction) -> None:
    whole = remediated.history_of("auth.validation_cascade")
    bad = {
        str(entry.data["about"])
        for entry in whole
        if decided("")(entry) and entry.data["about"] != "good"
    }
    about = sorted(bad)[0]
    verdict = judged_with(whole, decided(about, "websocket"), lambda _: {"accepted": True})
    assert "AUTH_BAD_TOKEN_ACCEPTED" in verdict.findings


@pytest.mark.parametrize("case", ["auth.validation_cascade", "auth.context_isolation"])
def test_whose_token_it_is_has_to_be_said_by_all_who_can_say_it(
    case: str, remediated: Direction
) -> None:
    verdict = judged_with(
        remediated.history_of(case),
        decided("good", "websocket"),
        lambda _: {"identity": None, "identity_label": None},
    )
    assert (verdict.outcome, verdict.findings) == (Outcome.INCONCLUSIVE, ())
    assert "did not say whose token" in verdict.reason


@pytest.mark.parametrize(
    ("case", "finding"),
    [
        ("websocket.connection_interference", "WS_HANDSHAKE_BROKEN"),
        ("journey.performance_under_load", "JOURNEY_NOT_CONNECTED"),
    ],
)
def test_a_user_who_is_turned_away_is_not_overlooked(
    case: str, finding: str, remediated: Direction
) -> None:
    history = remediated.history_of(case)
    openings = history.of(Kind.WS_OPENING)
    # The load's last connection only hears that nothing more comes.
    last = openings[-2 if case == "journey.performance_under_load" else -1]
    entries = []
    for entry in history:
        if entry.subject == last.subject and entry.kind is Kind.WS_OPENED:
            entries.append(entry._replace(kind=Kind.WS_REFUSED, data={"status": 500}))
        elif entry.subject == last.subject and entry.data.get("is_ready"):
            entries.append(entry._replace(data={**entry.data, "is_ready": False}))
        else:
            entries.append(entry)
    verdict = judge(History(tuple(entries)))
    assert finding in verdict.findings, verdict.reason


def test_a_fault_that_hit_nothing_proves_nothing(remediated: Direction) -> None:
    verdict = judged_with(
        remediated.history_of("auth.error_amplification"),
        lambda entry: entry.kind is Kind.MEASURED and "fault" in entry.data,
        lambda _: {"value": 0.0},
    )
    assert (verdict.outcome, verdict.findings) == (Outcome.INCONCLUSIVE, ())
    assert "auth is slow once was not felt" in verdict.reason


def test_a_wait_that_the_guests_time_ended_is_not_held_against_the_platform() -> None:
    case = "websocket.handshake_race"
    plan = Plan(case, in_threads("as_reported"), frozenset(defects_of(case)), 1, 1)

    _, history = trial_of(plan)
    assert judge(history).outcome is Outcome.FAIL
    control, *_ = history.of(Kind.CONTROL)
    data = {"awaited": "answer", "seconds": 0.1, "definite": False, "shortened": True}
    entries = tuple(
        entry._replace(kind=Kind.TIMEOUT, data=data) if entry is control else entry
        for entry in history
    )
    verdict = judge(History(entries))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "limit on seconds" in verdict.reason
