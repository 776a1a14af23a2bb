"""What an expectation demands of a verdict."""

import pytest

from gp_helpers.checkers import Claim, ClaimState, Outcome, Verdict
from gp_helpers.checkers.expectations import Expected, worst


def verdict(outcome: Outcome, *codes: str) -> Verdict:
    claims = tuple(Claim(code, "", ClaimState.VIOLATED, (1,), code) for code in codes)
    return Verdict("auth.timing", outcome, "because", claims)


FAIL, PASS = Outcome.FAIL, Outcome.PASS


@pytest.mark.parametrize(
    ("given", "expected", "met"),
    [
        (verdict(FAIL, "A", "B"), Expected(FAIL, ("A",)), True),
        (verdict(FAIL, "A", "B"), Expected(FAIL, ("A", "B")), True),
        (verdict(FAIL, "A"), Expected(FAIL, ("A", "B")), False),
        (verdict(FAIL, "OTHER"), Expected(FAIL, ("A",)), False),
        (verdict(PASS), Expected(FAIL, ("A",)), False),
        (verdict(Outcome.INCONCLUSIVE), Expected(FAIL, ("A",)), False),
        (verdict(Outcome.ERROR), Expected(FAIL, ("A",)), False),
        (verdict(FAIL, "A"), Expected(FAIL), True),
        (verdict(PASS), Expected(FAIL), False),
        (verdict(PASS), Expected(PASS), True),
        (verdict(FAIL, "A"), Expected(PASS), False),
        (verdict(Outcome.INCONCLUSIVE), Expected(PASS), False),
        (verdict(Outcome.ERROR), Expected(None), True),
    ],
)
def test_whether_it_is_met(given: Verdict, expected: Expected, met: bool) -> None:
    assert bool(expected.held_against(given)) is met


def test_the_reason_names_what_is_missing() -> None:
    told = Expected(FAIL, ("A", "B", "C")).held_against(verdict(FAIL, "A"))
    assert told.reason == "expected B and C, found A"


@pytest.mark.parametrize(
    ("outcomes", "together"),
    [
        ([PASS, FAIL, PASS], FAIL),
        ([FAIL, Outcome.ERROR], Outcome.ERROR),
        ([PASS, Outcome.INCONCLUSIVE], Outcome.INCONCLUSIVE),
        ([PASS], PASS),
        ([], Outcome.INCONCLUSIVE),
    ],
)
def test_the_worst_outcome_counts(outcomes: list[Outcome], together: Outcome) -> None:
    assert worst(outcomes) is together
