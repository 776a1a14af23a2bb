"""The wait-for graph: what is a cycle, and who never ends."""

from __future__ import annotations

from typing import Any

from gp_helpers.checkers.routing.wait_for import cycle_in, stuck_requests, waits_of


def locks(held: dict[str, str], wanted: list[tuple[str, str]]) -> dict[str, Any]:
    return {
        "holders": [{"lock": lock, "holder": holder} for lock, holder in held.items()],
        "waiters": [{"lock": lock, "waiter": waiter} for waiter, lock in wanted],
    }


def test_two_that_wait_for_each_other_are_a_cycle() -> None:
    waits = waits_of(locks({"a": "one", "b": "two"}, [("one", "b"), ("two", "a")]))
    assert cycle_in(waits) == ("one", "two", "one")
    assert stuck_requests(waits) == {"one", "two"}


def test_one_that_waits_for_itself_is_a_cycle() -> None:
    waits = waits_of(locks({"a": "one"}, [("one", "a")]))
    assert cycle_in(waits) == ("one", "one")


def test_whoever_waits_for_a_cycle_never_ends_either() -> None:
    held = {"a": "one", "b": "two", "c": "three"}
    waits = waits_of(locks(held, [("one", "b"), ("two", "a"), ("four", "a"), ("five", "c")]))
    assert stuck_requests(waits) == {"one", "two", "four"}


def test_waiting_for_somebody_who_works_is_no_cycle() -> None:
    waits = waits_of(locks({"a": "one"}, [("two", "a"), ("three", "a")]))
    assert cycle_in(waits) is None
    assert stuck_requests(waits) == set()


def test_the_longest_cycle_is_shown() -> None:
    held = {"a": "one", "b": "two", "c": "three"}
    waits = waits_of(locks(held, [("three", "c"), ("one", "b"), ("two", "a")]))
    assert cycle_in(waits) == ("one", "two", "one")


def test_a_reading_of_nonsense_has_no_waits() -> None:
    assert waits_of({"holders": "?", "waiters": [1, {"lock": "a"}]}) == {"None": frozenset()}
    assert waits_of({}) == {}
