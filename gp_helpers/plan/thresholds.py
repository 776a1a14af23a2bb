"""The plan's thresholds: each limit, its unit, and the sentence that states it."""

from __future__ import annotations

from gp_helpers.plan.kinds import Threshold

THRESHOLDS: dict[str, Threshold] = {
    threshold.id: threshold
    for threshold in (
        Threshold("case_seconds_mean", 5.0, "s", "an integration case takes under 5 s on average"),
        Threshold("case_seconds", 10.0, "s", "an integration case takes at most 10 s"),
        Threshold("journey_seconds", 20.0, "s", "a user journey takes under 20 s"),
        Threshold("user_seconds", 10.0, "s", "a concurrent user's journey takes under 10 s"),
        Threshold("concurrent_users", 3, "users", "at least 3 users at once do not interfere"),
        Threshold(
            "success_rate", 0.95, "share", "more than 95 % of trials succeed after the fix", most=1
        ),
        Threshold(
            "events", 5, "events", "all five WebSocket events are sent, in order, once", most=5
        ),
        Threshold("contamination", 0, "items", "no data of another user is ever seen"),
        Threshold("urgent_seconds", 2.0, "s", "an urgent message is answered within 2.0 s"),
        Threshold("load_ratio", 1.5, "max/mean", "no instance carries over 1.5 x the mean load"),
        Threshold("degradation", 1.0, "share", "latency grows by less than 100 % under load"),
        Threshold("allowed_skew_s", 1.0, "s", "clocks of validators may differ by at most 1 s"),
    )
}

INTEGRATION = ("case_seconds", "case_seconds_mean", "success_rate")
"""Those of every integration case."""
ISOLATION = (*INTEGRATION, "contamination", "concurrent_users")
EVENTS = (*INTEGRATION, "events")
