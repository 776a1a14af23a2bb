"""What an expectation demands of a verdict."""

import pytest

from gp_helpers.checkers import Claim, ClaimState, Outcome, Verdict
from gp_helpers.checkers.expectations import expectation_met, worst
from gp_helpers.parameters import Expectation


def verdict(outcome: Outcome, *codes: str) -> Verdict:
    claims = tuple(Claim(code, "", ClaimState.VIOLATED, (1,), code) for code in codes)
    return Verdict("auth.timing", outcome, "because", claims)


FAIL, PASS = Outcome.FAIL, Outcome.PASS
REPRODUCE = Expectation.REPRODUCE


@pytest.mark.parametrize(
    ("given", "expectation", "own", "met"),
    [
        (verdict(FAIL, "A", "B"), REPRODUCE, {"A"}, True),
        (verdict(FAIL, "A", "B"), REPRODUCE, {"A", "B"}, True),
        (verdict(FAIL, "A"), REPRODUCE, {"A", "B"}, False),
        (verdict(FAIL, "OTHER"), REPRODUCE, {"A"}, False),
        (verdict(PASS), REPRODUCE, {"A"}, False),
        (verdict(Outcome.INCONCLUSIVE), REPRODUCE, {"A"}, False),
        (verdict(Outcome.ERROR), REPRODUCE, {"A"}, False),
        (verdict(PASS), REPRODUCE, set(), True),
        (verdict(FAIL, "A"), REPRODUCE, set(), False),
        (verdict(FAIL, "A"), REPRODUCE, None, True),
        (verdict(PASS), REPRODUCE, None, False),
        (verdict(PASS), Expectation.PASS, {"A"}, True),
        (verdict(FAIL, "A"), Expectation.PASS, {"A"}, False),
        (verdict(Outcome.INCONCLUSIVE), Expectation.PASS, set(), False),
        (verdict(Outcome.ERROR), Expectation.NONE, {"A"}, True),
    ],
)
def test_whether_it_is_met(
    given: Verdict, expectation: Expectation, own: set[str] | None, met: bool
) -> None:
    assert bool(expectation_met(given, expectation, own)) is met


def test_the_reason_names_what_is_missing() -> None:
    told = expectation_met(verdict(FAIL, "A"), REPRODUCE, {"A", "B", "C"})
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
