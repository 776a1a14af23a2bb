"""auth.timing: outside the allowed skew every validator decides what the token's life says."""

from __future__ import annotations

from collections.abc import Mapping

from gp_helpers.checkers.auth.validation_cascade import first_disagreement
from gp_helpers.checkers.claims import Judgement, Observed
from gp_helpers.history import History, Kind

_CLAIMS: Mapping[str, tuple[str, str, str]] = {
    "issued within the allowed skew": (
        "skew_tolerated",
        "a token that was issued within the allowed skew of a validator's clock is accepted",
        "AUTH_SKEW_REFUSED",
    ),
    "that has become valid": (
        "accepted_once_valid",
        "a token is accepted as soon as it is valid, whatever was said before",
        "AUTH_VALID_TOKEN_STAYS_REFUSED",
    ),
    "before its advertised end": (
        "lives_as_advertised",
        "a token lives as long as was advertised",
        "AUTH_LIFETIME_MISREPORTED",
    ),
    "after its advertised end": (
        "ends_as_advertised",
        "a token does not outlive what was advertised",
        "AUTH_EXPIRED_TOKEN_ACCEPTED",
    ),
    "after log-out": (
        "dead_after_log_out",
        "no instance accepts a token after log-out and the allowed skew",
        "AUTH_REVOKED_TOKEN_ACCEPTED",
    ),
}
"""What a token is called when it is shown: the claim's name, statement and finding code."""


def check(history: History) -> Judgement:
    """One claim an edge, and one for refresh tokens."""
    decisions = [entry for entry in history.of(Kind.DECISION) if entry.step != "components"]
    observed = {
        about: Observed(*what, threshold="allowed_skew_s") for about, what in _CLAIMS.items()
    }
    refresh = Observed(
        "refresh_rotates",
        "refresh tokens rotate, and reuse of one ends the family",
        "AUTH_REFRESH_REUSE_ACCEPTED",
        expected=3,
    )
    for expected in history.of(Kind.EXPECTED):
        if "refresh" in expected.data:
            got = expected.data["got"]
            if got is None:
                refresh.unobserved(f"no answer to {expected.data['refresh']}")
            else:
                refresh.test(
                    got == expected.data["accepted"],
                    f"{expected.data['refresh']} was {'accepted' if got else 'refused'}",
                    expected.data["exchange"],
                    expected,
                )
            continue
        about = expected.data["token_about"]
        if about not in observed:
            continue
        claim = observed[about]
        claim.expected = len(expected.data["validators"])
        for entry in decisions:
            said = entry.data["accepted"]
            if entry.data["about"] != about or said is None:
                continue
            claim.test(
                said == expected.data["accepted"],
                f"{entry.data['decider']} {'accepts' if said else 'refuses'} a token {about}",
                entry,
                expected,
            )
    return Judgement(
        (*(claim.claim() for claim in observed.values()), refresh.claim()),
        first_disagreement(
            [e for e in decisions if e.data["about"] != "issued beyond the allowed skew"]
        ),
    )
