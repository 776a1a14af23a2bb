"""What the check of auth.timing makes of decisions around each edge of a token's life."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from gp_helpers.checkers import ClaimState
from gp_helpers.checkers.auth.timing import check
from gp_helpers.history import History, Kind
from tests.checkers.factory.histories import Story, all_held, claim_of, findings, states

VALIDATORS = ("auth", "backend", "websocket")
RIGHT: Mapping[str, bool] = {
    "issued within the allowed skew": True,
    "that has become valid": True,
    "before its advertised end": True,
    "after its advertised end": False,
    "after log-out": False,
}
"""Each edge, and whether a token is to be accepted there."""
REFRESHES: Mapping[str, bool] = {
    "the first use": True,
    "reuse of a refresh token": False,
    "the family after it": False,
}


def history(
    *, wrong: str | None = None, by: str = "backend", missing: str | None = None
) -> History:
    """Every validator decides rightly but for one, on one edge; a refresh may be wrong as well."""
    story = Story()
    for about, accepted in RIGHT.items():
        story.add(Kind.EXPECTED, token_about=about, accepted=accepted, validators=VALIDATORS)
        for decider in VALIDATORS:
            said: bool | None = accepted != (about == wrong and decider == by)
            said = None if about == missing and decider == by else said
            story.add(Kind.DECISION, decider=decider, about=about, accepted=said)
    for refresh, accepted in REFRESHES.items():
        exchange = story.add(Kind.RESPONSE, "ada", status=200 if accepted else 401)
        got = None if refresh == missing else accepted != (refresh == wrong)
        story.add(Kind.EXPECTED, refresh=refresh, accepted=accepted, got=got, exchange=exchange.seq)
    return story.history


def test_right_decisions_hold() -> None:
    judgement = check(history())
    assert all_held(judgement)
    assert judgement.first_disagreement is None


@pytest.mark.parametrize("by", VALIDATORS)
@pytest.mark.parametrize(
    ("edge", "finding"),
    [
        ("issued within the allowed skew", "AUTH_SKEW_REFUSED"),
        ("that has become valid", "AUTH_VALID_TOKEN_STAYS_REFUSED"),
        ("before its advertised end", "AUTH_LIFETIME_MISREPORTED"),
        ("after its advertised end", "AUTH_EXPIRED_TOKEN_ACCEPTED"),
        ("after log-out", "AUTH_REVOKED_TOKEN_ACCEPTED"),
    ],
)
def test_one_validator_that_is_wrong_on_one_edge_is_found(edge: str, finding: str, by: str) -> None:
    judgement = check(history(wrong=edge, by=by))
    assert findings(judgement) == {finding}
    assert judgement.first_disagreement is not None


@pytest.mark.parametrize("refresh", REFRESHES)
def test_a_refresh_token_that_is_taken_twice_or_not_at_all_is_found(refresh: str) -> None:
    judgement = check(history(wrong=refresh))
    assert findings(judgement) == {"AUTH_REFRESH_REUSE_ACCEPTED"}
    assert refresh in claim_of(judgement, "refresh_rotates").detail


@pytest.mark.parametrize("missing", [*RIGHT, *REFRESHES])
def test_what_nobody_decided_holds_nowhere(missing: str) -> None:
    judgement = check(history(missing=missing))
    assert findings(judgement) == set()
    assert list(states(judgement).values()).count(ClaimState.UNOBSERVED) == 1
