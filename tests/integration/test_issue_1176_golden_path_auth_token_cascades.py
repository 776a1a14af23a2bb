"""The plan's tests of the suite "Auth token cascades".

One case each, in the environment that --env names. As reported they fail, as the plan says that
they must at first; remediated they pass.
"""

from gp_helpers.pytest_plugin import GoldenPath


def test_auth_token_validation_cascade_failure_reproduction(golden_path: GoldenPath) -> None:
    """One token, read differently at every hop."""
    golden_path.assert_passes("auth.validation_cascade")


def test_auth_token_context_isolation_conflicts(golden_path: GoldenPath) -> None:
    """Who was taken for whom."""
    golden_path.assert_passes("auth.context_isolation")


def test_auth_service_backend_integration_timing_issues(golden_path: GoldenPath) -> None:
    """Tokens near their edges."""
    golden_path.assert_passes("auth.timing")


def test_auth_error_handling_cascade_amplification(golden_path: GoldenPath) -> None:
    """One bad token, everybody locked out."""
    golden_path.assert_passes("auth.error_amplification")
