"""The plan's tests of the suite "Complete user journey".

One case each, in the environment that --env names. As reported they fail, as the plan says that
they must at first; remediated they pass.
"""

from gp_helpers.pytest_plugin import GoldenPath


def test_complete_golden_path_user_login_to_ai_response(golden_path: GoldenPath) -> None:
    """From log-in to a grounded answer."""
    golden_path.assert_passes("journey.login_to_answer")


def test_golden_path_multi_user_concurrent_isolation(golden_path: GoldenPath) -> None:
    """The same question, somebody else's figures."""
    golden_path.assert_passes("journey.multi_user_isolation")


def test_golden_path_error_recovery_and_resilience(golden_path: GoldenPath) -> None:
    """Three faults in one journey."""
    golden_path.assert_passes("journey.error_recovery")


def test_golden_path_performance_under_staging_load(golden_path: GoldenPath) -> None:
    """Slower with every session that ever was."""
    golden_path.assert_passes("journey.performance_under_load")
