"""The plan's cases of WebSocket race conditions."""

from __future__ import annotations

from gp_helpers.plan.kinds import CaseInfo, Segment
from gp_helpers.plan.thresholds import EVENTS, INTEGRATION, ISOLATION
from gp_helpers.plan.value import value

WEBSOCKET_CASES = (
    CaseInfo(
        "websocket.handshake_race",
        "test_websocket_handshake_race_condition_cloud_run_reproduction",
        "Accepted before anything can serve it",
        "During a cold start, connections are accepted by an instance that is not ready, and "
        "stay silent.",
        "an open connection without connection_established or pong, 403, 1006 or 1011",
        value(
            Segment.ALL,
            "the first person after a quiet hour sees a chat that never answers",
            "scale to zero without losing the first user",
        ),
        INTEGRATION,
    ),
    CaseInfo(
        "websocket.event_manager_init",
        "test_websocket_event_manager_initialization_race",
        "Events sent to nobody",
        "A request that follows the handshake at once produces events before the connection is "
        "registered to receive them.",
        "fewer than five events for the first request of a connection",
        value(
            Segment.ALL,
            "the first question of a session looks unanswered",
            "five events a request, whatever the timing",
        ),
        EVENTS,
    ),
    CaseInfo(
        "websocket.cleanup_race",
        "test_websocket_connection_cleanup_race_condition",
        "The old connection's clean-up removes the new one",
        "A person who drops and reconnects at once is unregistered by the clean-up of the "
        "connection that died.",
        "no events after reconnecting; messages sent in between are lost; handlers pile up",
        value(
            Segment.ALL,
            "a train through a tunnel ends the conversation",
            "sessions that survive mobile networks",
        ),
        EVENTS,
    ),
    CaseInfo(
        "websocket.connection_interference",
        "test_websocket_concurrent_user_connection_interference",
        "Two handshakes, one set of variables",
        "Users who connect at the same time get each other's identity or each other's events.",
        "an event of one user on another user's socket; events missing on one's own",
        value(
            Segment.ALL,
            "one customer reads another customer's answer",
            "zero tolerance of cross-user contamination",
        ),
        ISOLATION,
    ),
    CaseInfo(
        "websocket.cloud_run_timeout",
        "test_websocket_cloud_run_timeout_race_condition",
        "The answer that missed the cut",
        "When the ingress cuts the connection, work that was accepted goes on and its answer "
        "reaches nobody.",
        "an accepted request without an answer; an idle connection cut inside its lifetime",
        value(
            Segment.ALL,
            "long questions, the valuable ones, lose their answers",
            "timeouts that are agreed upon from the socket to the ingress",
        ),
        EVENTS,
    ),
)
