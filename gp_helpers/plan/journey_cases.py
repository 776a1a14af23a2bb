"""The plan's cases of complete user journeys."""

from __future__ import annotations

from gp_helpers.plan.kinds import CaseInfo, Segment
from gp_helpers.plan.value import value

JOURNEY_CASES = (
    CaseInfo(
        "journey.login_to_answer",
        "test_complete_golden_path_user_login_to_ai_response",
        "From log-in to a grounded answer",
        "Every health endpoint is green while the answer never comes, or comes empty.",
        "an answer without the asking user's figures, while every health endpoint answers 200",
        value(
            Segment.ALL,
            "the product does not do what it is bought for",
            "the one journey that everything else serves",
        ),
        ("journey_seconds", "success_rate", "events"),
    ),
    CaseInfo(
        "journey.multi_user_isolation",
        "test_golden_path_multi_user_concurrent_isolation",
        "The same question, somebody else's figures",
        "Answers are shared between users who ask the same question.",
        "another user's figures in one's own answer",
        value(
            Segment.ALL,
            "a competitor's costs in the answer",
            "zero tolerance of cross-user contamination",
        ),
        ("user_seconds", "success_rate", "contamination", "concurrent_users"),
    ),
    CaseInfo(
        "journey.error_recovery",
        "test_golden_path_error_recovery_and_resilience",
        "Three faults in one journey",
        "After a reset connection, a locked database or a failing model the work is done twice "
        "or given up silently.",
        "two answers to one question, or none",
        value(
            Segment.ALL,
            "a short outage becomes double work or silence",
            "a journey that ends right, once",
        ),
        ("journey_seconds", "success_rate", "events"),
    ),
    CaseInfo(
        "journey.performance_under_load",
        "test_golden_path_performance_under_staging_load",
        "Slower with every session that ever was",
        "Handlers pile up and each message walks all of them, so latency grows with the number "
        "of sessions so far.",
        "latency that grows with sessions, not with load",
        value(
            Segment.ALL,
            "the busiest day is the slowest day",
            "capacity that can be planned",
        ),
        ("journey_seconds", "success_rate", "degradation"),
    ),
)
