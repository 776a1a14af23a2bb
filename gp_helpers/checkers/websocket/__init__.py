"""The checks of the WebSocket suite, a module a case."""

from collections.abc import Mapping

from gp_helpers.checkers.judging import Check
from gp_helpers.checkers.websocket import (
    cleanup_race,
    cloud_run_timeout,
    connection_interference,
    event_manager_init,
    handshake_race,
)

CHECKS: Mapping[str, Check] = {
    "websocket.handshake_race": handshake_race.check,
    "websocket.event_manager_init": event_manager_init.check,
    "websocket.cleanup_race": cleanup_race.check,
    "websocket.connection_interference": connection_interference.check,
    "websocket.cloud_run_timeout": cloud_run_timeout.check,
}
