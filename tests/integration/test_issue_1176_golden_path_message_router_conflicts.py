"""The plan's tests of the suite "Message router conflicts".

One case each, in the environment that --env names. As reported they fail, as the plan says that
they must at first; remediated they pass.
"""

from gp_helpers.pytest_plugin import GoldenPath


def test_message_router_selection_conflict_reproduction(golden_path: GoldenPath) -> None:
    """Two routers, two agents."""
    golden_path.assert_passes("routing.selection_conflict")


def test_message_priority_routing_conflict(golden_path: GoldenPath) -> None:
    """Urgent means two things."""
    golden_path.assert_passes("routing.priority")


def test_message_routing_state_pollution_across_users(golden_path: GoldenPath) -> None:
    """One user's preferences, another user's answer."""
    golden_path.assert_passes("routing.state_pollution")


def test_message_routing_circular_dependency_deadlock(golden_path: GoldenPath) -> None:
    """Two hand-offs wait for each other."""
    golden_path.assert_passes("routing.circular_deadlock")


def test_message_routing_load_balancing_conflicts(golden_path: GoldenPath) -> None:
    """The answer is made where the connection is not."""
    golden_path.assert_passes("routing.load_balancing")
