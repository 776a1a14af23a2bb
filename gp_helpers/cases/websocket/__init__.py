"""The steps of the WebSocket suite's cases, a module a case."""

from collections.abc import Mapping

from gp_helpers.cases.steps import Case
from gp_helpers.cases.websocket.cleanup_race import CleanupRace
from gp_helpers.cases.websocket.cloud_run_timeout import CloudRunTimeout
from gp_helpers.cases.websocket.connection_interference import ConnectionInterference
from gp_helpers.cases.websocket.event_manager_init import EventManagerInit
from gp_helpers.cases.websocket.handshake_race import HandshakeRace

CASES: Mapping[str, type[Case]] = {
    case.id: case
    for case in (
        HandshakeRace,
        EventManagerInit,
        CleanupRace,
        ConnectionInterference,
        CloudRunTimeout,
    )
}
