"""The plan's tests of the suite "Factory pattern mismatches".

One case each, in the environment that --env names. As reported they fail, as the plan says that
they must at first; remediated they pass.
"""

from gp_helpers.pytest_plugin import GoldenPath


def test_factory_interface_mismatch_reproduction(golden_path: GoldenPath) -> None:
    """Factories that do not fit together."""
    golden_path.assert_passes("factory.interface_mismatch")


def test_factory_user_context_isolation_conflicts(golden_path: GoldenPath) -> None:
    """One cached connection for everybody."""
    golden_path.assert_passes("factory.user_context_isolation")


def test_factory_lifecycle_management_coordination_failures(golden_path: GoldenPath) -> None:
    """What is left behind after each session."""
    golden_path.assert_passes("factory.lifecycle")


def test_factory_dependency_injection_pattern_conflicts(golden_path: GoldenPath) -> None:
    """Built before its dependency was set."""
    golden_path.assert_passes("factory.dependency_injection")


def test_factory_error_handling_propagation_inconsistencies(golden_path: GoldenPath) -> None:
    """One fault, four outcomes."""
    golden_path.assert_passes("factory.error_propagation")
