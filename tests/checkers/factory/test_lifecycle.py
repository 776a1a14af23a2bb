"""What the check of factory.lifecycle makes of a history."""

from __future__ import annotations

from gp_helpers.checkers.factory.lifecycle import check, held
from gp_helpers.history import Kind
from tests.checkers.factory.histories import Story, all_held, claim_of, findings, states


def state(engines: int = 0, tasks: int = 0) -> dict[str, object]:
    return {
        "connections": [],
        "handlers": 0,
        "tasks": {"queue_worker": 4, "execution_engine": tasks},
        "factories": {"sessions": 0, "channels": 0, "engines": engines, "agents": 0},
    }


def story(*engines: int, rounds: int = 3, silent: bool = True) -> Story:
    """Three rounds of two sessions; `engines` is what each reading counts."""
    told = Story()
    told.add(Kind.EXPECTED, about="sessions", sessions=2 * rounds)
    for number, count in enumerate(engines):
        if number:
            for place in (1, 2):
                told.connect("ada", f"ada-{number}-{place}")
        if silent:
            told.silence()
        told.reading(resources="left", sessions_so_far=2 * number, **state(count, count))
    return told


def test_back_at_the_baseline_after_every_round_holds() -> None:
    judgement = check(story(0, 0, 0, 0).history)
    assert all_held(judgement)
    assert claim_of(judgement, "no_growth").measured["engines_per_session"] == 0


def test_growth_with_every_session_is_measured() -> None:
    judgement = check(story(0, 2, 4, 6).history)
    assert findings(judgement) == {"FACTORY_RESOURCES_LEFT_BEHIND"}
    assert claim_of(judgement, "resources_returned").measured["engines_left"] == 6
    assert claim_of(judgement, "no_growth").measured["engines_per_session"] == 1
    assert judgement.first_disagreement is not None
    assert "1 engines more" not in judgement.first_disagreement.description
    assert "it holds 2 tasks more than before" in judgement.first_disagreement.description


def test_a_single_engine_left_is_left_behind() -> None:
    judgement = check(story(0, 0, 0, 1).history)
    assert states(judgement)["resources_returned"] == "violated"


def test_what_goes_up_and_comes_back_is_no_growth() -> None:
    assert all_held(check(story(0, 2, 1, 0).history))


def test_fewer_sessions_than_intended_are_not_enough() -> None:
    judgement = check(story(0, 0, 0, 0, rounds=5).history)
    assert states(judgement)["sessions_took_place"] == "unobserved"


def test_a_session_that_is_refused_is_found() -> None:
    told = story(0, 0, 0, 0)
    told.connect("ada", "ada-late", refused=500)
    judgement = check(told.history)
    assert findings(judgement) == {"FACTORY_SESSION_REFUSED"}
    assert claim_of(judgement, "sessions_took_place").detail == "ada is refused with 500"


def test_readings_count_in_silence_only() -> None:
    found = states(check(story(0, 0, 0, 0, silent=False).history))
    assert found["resources_returned"] == found["no_growth"] == "unobserved"


def test_two_readings_show_no_growth() -> None:
    assert states(check(story(0, 0).history))["resources_returned"] == "unobserved"


def test_lists_are_counted_and_names_summed() -> None:
    reading = {**state(engines=3, tasks=2), "connections": [{}, {}]}
    assert held(reading) == {
        "connections": 2,
        "handlers": 0,
        "tasks": 6,
        "sessions": 0,
        "channels": 0,
        "engines": 3,
        "agents": 0,
    }
