"""Growth is found counted or measured; noise and a slow round are not taken for degradation."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from gp_helpers.checkers import ClaimState
from gp_helpers.checkers.journey.performance_under_load import GROWS, check
from gp_helpers.history import Kind
from tests.checkers.journey.story import Story, claims_of, findings, is_undecided, not_held

Latency = Callable[[str, int, int], float]
"""Of a phase, a round and the number of sessions so far, in ms."""


def steady(phase: str, _round: int, _sessions: int) -> float:
    return {"quiet": 20.0, "loaded": 26.0}[phase]


def story_of(
    latency: Latency,
    *,
    work: Callable[[int], int] = lambda _: 15,
    handlers: int = 0,
    read_ms: Callable[[int], float] = lambda _: 5.0,
    seed: int = 1,
) -> Story:
    source = random.Random(seed)
    story = Story("journey.performance_under_load")
    sessions = notified = 0
    story.add(Kind.EXPECTED, about="journeys", journeys=["ada"])
    story.connect("ada")
    for round_ in (1, 2, 3):
        before = sessions

        reading = {"handlers": handlers * before, "round": round_, "sessions": before}
        story.work("before", notified, reading)
        for phase in ("quiet", "loaded"):
            for _ in range(3):
                request = story.ask("ada", f"{phase}-{sessions}")
                sent = story.history.entries[-1]
                story.events("ada", request, answer="…")
                value = latency(phase, round_, sessions) * source.uniform(0.9, 1.1)
                story.add(
                    Kind.MEASURED, "ada", request, quantity="latency", unit="ms", phase=phase,
                    value=value, round=round_, sessions=sessions, read_ms=read_ms(round_),
                    rests_on=[sent.seq, story.history.entries[-1].seq],
                )  # fmt: skip
                sessions += 1
            if phase == "quiet":
                notified += 3 * work(before)
                story.work("after", notified, reading)
    story.silence()
    return story


def test_steady_latency_and_steady_work_hold() -> None:
    judgement = check(story_of(steady).history)
    assert not_held(judgement) == []
    degraded = claims_of(judgement)["degradation_under_load"]
    assert degraded.threshold == "degradation"
    assert degraded.measured["degradation"] == pytest.approx(0.3, abs=0.1)


def test_counted_work_that_grows_is_found_whatever_the_latency() -> None:
    judgement = check(story_of(steady, work=lambda sessions: 15 + 15 * sessions).history)
    assert findings(judgement) == [GROWS]
    claim = claims_of(judgement)["work_does_not_grow"]
    assert claim.measured["work_per_message_last"] > claim.measured["work_per_message_first"]
    assert "counted" in claim.statement
    assert judgement.first_disagreement is not None


def test_handlers_that_every_message_walks_are_counted_too() -> None:
    assert findings(check(story_of(steady, handlers=3).history)) == [GROWS]


def test_measured_latency_that_grows_is_found_without_any_reading() -> None:
    def growing(phase: str, round_: int, sessions: int) -> float:
        return steady(phase, round_, sessions) * (1 + 0.25 * sessions)

    claims = claims_of(check(story_of(growing).without(Kind.READING)))
    claim = claims["latency_does_not_grow"]
    assert claim.finding == GROWS
    assert "measured" in claim.statement
    assert claim.measured["ms_per_session_lower"] > 0
    assert claims["work_does_not_grow"].state is ClaimState.UNOBSERVED


@pytest.mark.parametrize("seed", range(20))
def test_a_machine_that_gets_slower_is_not_taken_for_growth(seed: int) -> None:
    def slower(phase: str, round_: int, sessions: int) -> float:
        return steady(phase, round_, sessions) * round_

    story = story_of(slower, read_ms=lambda round_: 5.0 * round_, seed=seed)
    assert findings(check(story.history)) == []


def test_latency_that_more_than_doubles_under_load_is_found() -> None:
    def degraded(phase: str, _round: int, _sessions: int) -> float:
        return {"quiet": 20.0, "loaded": 70.0}[phase]

    assert findings(check(story_of(degraded).history)) == ["JOURNEY_DEGRADES_UNDER_LOAD"]


def test_two_rounds_that_something_else_disturbed_are_not_degradation() -> None:
    def disturbed(phase: str, round_: int, sessions: int) -> float:
        slow = phase == "loaded" and round_ < 3
        return 80.0 if slow else steady(phase, round_, sessions)

    assert findings(check(story_of(disturbed).history)) == []


def test_an_answer_that_takes_too_long_is_found() -> None:
    def endless(_phase: str, _round: int, _sessions: int) -> float:
        return 30_000.0

    assert findings(check(story_of(endless).history)) == ["JOURNEY_ANSWER_TOO_SLOW"]


def test_a_question_without_an_answer_is_found() -> None:
    story = story_of(steady)
    story.ask("ada", "lost")
    story.silence()
    assert "JOURNEY_UNANSWERED_UNDER_LOAD" in findings(check(story.history))


@pytest.mark.parametrize(
    "kind", [Kind.MEASURED, Kind.READING, Kind.SILENCE, Kind.EXPECTED, Kind.DECISION]
)
def test_what_a_probe_drops_is_not_held(kind: Kind) -> None:
    assert is_undecided(check(story_of(steady).without(kind)))


def test_latencies_whose_messages_are_not_on_record_do_not_count() -> None:
    claims = claims_of(check(story_of(steady).without(Kind.WS_RECEIVED)))
    assert claims["latency_does_not_grow"].state is ClaimState.UNOBSERVED
    assert claims["degradation_under_load"].state is ClaimState.UNOBSERVED
