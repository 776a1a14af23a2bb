"""The plan's tests of the suite "WebSocket race conditions".

One case each, in the environment that --env names. As reported they fail, as the plan says that
they must at first; remediated they pass.
"""

from gp_helpers.pytest_plugin import GoldenPath


def test_websocket_handshake_race_condition_cloud_run_reproduction(golden_path: GoldenPath) -> None:
    """Accepted before anything can serve it."""
    golden_path.assert_passes("websocket.handshake_race")


def test_websocket_event_manager_initialization_race(golden_path: GoldenPath) -> None:
    """Events sent to nobody."""
    golden_path.assert_passes("websocket.event_manager_init")


def test_websocket_connection_cleanup_race_condition(golden_path: GoldenPath) -> None:
    """The old connection's clean-up removes the new one."""
    golden_path.assert_passes("websocket.cleanup_race")


def test_websocket_concurrent_user_connection_interference(golden_path: GoldenPath) -> None:
    """Two handshakes, one set of variables."""
    golden_path.assert_passes("websocket.connection_interference")


def test_websocket_cloud_run_timeout_race_condition(golden_path: GoldenPath) -> None:
    """The answer that missed the cut."""
    golden_path.assert_passes("websocket.cloud_run_timeout")
