"""The mechanisms of the WebSocket suite."""

from __future__ import annotations

from gp_helpers.display.mechanisms.diagram import Break, Diagram, Message, Note

DIAGRAMS: tuple[Diagram, ...] = (
    Diagram(
        "websocket.handshake_race",
        "The port listens before anything can serve: accepted, and silent",
        ("client", "ingress", "instance", "store, auth, model"),
        (
            Message("client", "ingress", "handshake"),
            Message("ingress", "instance", "cold start"),
            Message("instance", "instance", "the port listens"),
            Message("instance", "store, auth, model", "warm-up: opens, asks, waits"),
            Message("ingress", "instance", "TCP probe: it listens, so it is up"),
            Message("ingress", "instance", "handshake"),
            Note("instance", "waits for readiness, gives up early"),
            Message("instance", "client", "101: accepted anyway", is_reply=True),
            Break("instance", "nothing is there to serve it: no connection_established, no pong"),
            Message("store, auth, model", "instance", "warm, too late", is_reply=True),
        ),
    ),
    Diagram(
        "websocket.event_manager_init",
        "The socket is registered after it is open: events in the gap go to nobody",
        ("client", "gateway", "event manager", "registry", "agent"),
        (
            Message("client", "gateway", "handshake"),
            Message("gateway", "client", "101, connection_established", is_reply=True),
            Message("client", "gateway", "a question, at once"),
            Message("gateway", "event manager", "made now: reads the store, asks auth"),
            Message("gateway", "agent", "run"),
            Message("agent", "registry", "agent_started … for this user"),
            Break("registry", "nobody is registered yet: dropped"),
            Message("event manager", "registry", "ready: the socket joins"),
            Message("agent", "client", "what is left of the five events"),
        ),
    ),
    Diagram(
        "websocket.cleanup_race",
        "Keyed by user: the old connection's clean-up removes the new connection",
        ("client", "old connection", "new connection", "registry", "store"),
        (
            Message("client", "old connection", "drops, without a word"),
            Message("old connection", "store", "clean-up: write “away”, awaited"),
            Message("client", "new connection", "reconnects at once"),
            Message("new connection", "registry", "register[user] = new"),
            Message("store", "old connection", "written", is_reply=True),
            Message("old connection", "registry", "delete register[user]"),
            Break("registry", "that was the new one: its events go to nobody"),
            Note("old connection", "its handlers stay subscribed"),
            Message("client", "new connection", "resume after event 41"),
            Break("new connection", "nothing was kept: what was sent in between is lost"),
        ),
    ),
    Diagram(
        "websocket.connection_interference",
        "One set of variables for the connection being set up: identities are swapped",
        ("ada", "ben", "gateway (shared)", "auth service"),
        (
            Message("ada", "gateway (shared)", "handshake"),
            Note("gateway (shared)", "self.socket = ada's"),
            Message("gateway (shared)", "auth service", "whose token? (awaited)"),
            Message("ben", "gateway (shared)", "handshake, meanwhile"),
            Note("gateway (shared)", "self.socket = ben's"),
            Message("auth service", "gateway (shared)", "ada", is_reply=True),
            Break("gateway (shared)", "registers ada's identity with ben's socket"),
            Message("gateway (shared)", "ben", "ada's events"),
        ),
    ),
    Diagram(
        "websocket.cloud_run_timeout",
        "Timeouts upside down: the cut comes unannounced, and the answer has nowhere to go",
        ("client", "ingress", "gateway", "agent"),
        (
            Note("gateway", "heartbeat > idle timeout, lifetime > request timeout"),
            Message("client", "gateway", "a question, shortly before the cut"),
            Message("gateway", "agent", "run"),
            Break("ingress", "request timeout: the connection is cut, without a word"),
            Message("agent", "gateway", "works on; agent_completed"),
            Message("gateway", "client", "to the socket that asked", is_lost=True),
            Message("client", "gateway", "reconnects: resume"),
            Break("gateway", "the answer was never kept: nothing to replay"),
        ),
    ),
)
