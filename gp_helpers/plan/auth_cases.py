"""The plan's cases of auth token cascades."""

from __future__ import annotations

from gp_helpers.plan.kinds import CaseInfo, Segment
from gp_helpers.plan.thresholds import INTEGRATION, ISOLATION
from gp_helpers.plan.value import value

AUTH_CASES = (
    CaseInfo(
        "auth.validation_cascade",
        "test_auth_token_validation_cascade_failure_reproduction",
        "One token, read differently at every hop",
        "One fresh token is accepted by one validator and refused by the next, because the hops "
        "do not share what a valid token is.",
        "401 on one REST route and a refused handshake for a token that the auth service accepts",
        value(
            Segment.ALL,
            "a person who has just logged in is told to log in again",
            "one meaning of 'authenticated' across services",
        ),
        INTEGRATION,
    ),
    CaseInfo(
        "auth.context_isolation",
        "test_auth_token_context_isolation_conflicts",
        "Who was taken for whom",
        "Identities leak between users who are validated at the same time, and a token that "
        "nobody issued connects as somebody.",
        "a reply made for another user than the token's subject; a garbage token connects",
        value(
            Segment.ALL,
            "one customer sees another customer's costs",
            "multi-tenant isolation, without which no enterprise contract holds",
        ),
        ISOLATION,
    ),
    CaseInfo(
        "auth.timing",
        "test_auth_service_backend_integration_timing_issues",
        "Tokens near their edges",
        "Around the instants when a token becomes valid, expires or is revoked, the validators "
        "disagree for longer than their clocks do.",
        "a token that stays refused after it became valid, or accepted after log-out",
        value(
            Segment.ALL,
            "sessions break at random moments, and a log-out that logs nobody out",
            "sessions that end when we say they end",
        ),
        (*INTEGRATION, "allowed_skew_s"),
    ),
    CaseInfo(
        "auth.error_amplification",
        "test_auth_error_handling_cascade_amplification",
        "One bad token, everybody locked out",
        "One user's refused token, or one slow answer of the auth service, is amplified into "
        "refusals for users who did nothing wrong.",
        "innocent users get 401 or 503 that does not pass with one honest retry",
        value(
            Segment.ALL,
            "one misbehaving client takes the product away from everybody",
            "a blast radius that stays where the fault is",
        ),
        INTEGRATION,
    ),
)
