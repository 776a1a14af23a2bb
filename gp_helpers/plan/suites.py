"""The plan's five suites: title, category, test file and notebook of each."""

from __future__ import annotations

from gp_helpers.plan.kinds import Suite, SuiteInfo

SUITES: dict[Suite, SuiteInfo] = {
    info.suite: info
    for info in (
        SuiteInfo(
            Suite.AUTH,
            "Auth token cascades",
            "integration",
            "tests/integration/test_issue_1176_golden_path_auth_token_cascades.py",
            "01_auth_token_cascades",
        ),
        SuiteInfo(
            Suite.WEBSOCKET,
            "WebSocket race conditions",
            "integration",
            "tests/integration/test_issue_1176_golden_path_websocket_race_conditions.py",
            "02_websocket_race_conditions",
        ),
        SuiteInfo(
            Suite.ROUTING,
            "Message router conflicts",
            "integration",
            "tests/integration/test_issue_1176_golden_path_message_router_conflicts.py",
            "03_message_router_conflicts",
        ),
        SuiteInfo(
            Suite.FACTORY,
            "Factory pattern mismatches",
            "integration",
            "tests/integration/test_issue_1176_golden_path_factory_pattern_mismatches.py",
            "04_factory_pattern_mismatches",
        ),
        SuiteInfo(
            Suite.JOURNEY,
            "Complete user journey",
            "e2e",
            "tests/e2e/test_issue_1176_golden_path_complete_user_journey.py",
            "05_complete_user_journey",
        ),
    )
}
