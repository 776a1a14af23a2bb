"""The defects of the WebSocket suite."""

from __future__ import annotations

from gp_helpers.platform.defects.model import Defect

_MODULE = "gp_helpers.platform.defects.websocket"
_READINESS = "gp_helpers.platform.gateway.readiness"

_HANDSHAKE = "websocket.handshake_race"
_INIT = "websocket.event_manager_init"
_CLEANUP = "websocket.cleanup_race"
_INTERFERENCE = "websocket.connection_interference"
_TIMEOUT = "websocket.cloud_run_timeout"
_ASKED_ON_A_NEW_CONNECTION = (
    _CLEANUP,
    _INTERFERENCE,
    _TIMEOUT,
    "routing.selection_conflict",
    "routing.priority",
    "routing.state_pollution",
    "routing.circular_deadlock",
    "routing.load_balancing",
    "factory.interface_mismatch",
    "factory.user_context_isolation",
    "factory.lifecycle",
    "factory.dependency_injection",
    "factory.error_propagation",
    "journey.login_to_answer",
    "journey.multi_user_isolation",
    "journey.error_recovery",
    "journey.performance_under_load",
)
"""What races a connection's set-up hits them now and then, at most one of some ten trials."""

DEFECTS: tuple[Defect, ...] = (
    Defect(
        id="websocket.unready_accept",
        title="Handshakes are accepted before anything can serve them",
        case=_HANDSHAKE,
        components={
            "startup_probe": f"{_READINESS}:PortProbe",
            "readiness_gate": f"{_MODULE}:ImpatientGate",
        },
        mechanism="A TCP start-up probe lets traffic in as soon as the port listens; the handshake "
        "waits a moment for readiness, gives up and goes on with a stand-in for the event manager, "
        "which accepts connections and connects them to nothing.",
        lever="The parts of a starting instance: its store, the auth service, the model server.",
        symptom="The connection opens and stays silent: no connection_established, no pong.",
        finding_code="WS_SILENT_CONNECTION",
        remedy="A readiness probe; the handshake waits within a bound and then answers 503 with "
        "Retry-After.",
        seen_in=(("openclaw#73652", "https://github.com/openclaw/openclaw/issues/73652"),),
    ),
    Defect(
        id="websocket.lazy_event_manager",
        title="A socket joins the registry only after it was said to be open",
        case=_INIT,
        components={"event_manager": f"{_MODULE}:LazyEventManager"},
        mechanism="The handshake is answered at once; the user's profile and last event id are "
        "looked up afterwards, and only then does the connection join the registry, from the "
        "position that the events have reached by then.",
        lever="The hop to the auth service that fetches the profile (GET /auth/me).",
        symptom="Of the five events of a first request, those emitted in the gap never come.",
        finding_code="WS_EVENTS_LOST_AFTER_CONNECT",
        remedy="Register before accepting; make the event manager in the application's lifespan; "
        "keep events in the outbox.",
        also_breaks=_ASKED_ON_A_NEW_CONNECTION,
        seen_in=(
            ("SignalR#3864", "https://github.com/SignalR/SignalR/pull/3864"),
            ("hapi-plugin-websocket#20", "https://github.com/rse/hapi-plugin-websocket/issues/20"),
        ),
    ),
    Defect(
        id="websocket.registry_by_user",
        title="The old connection's clean-up removes the new connection",
        case=_CLEANUP,
        components={"connection_registry": f"{_MODULE}:ByUser"},
        mechanism="The registry has one place for each user. The clean-up of a connection that was "
        "lost writes the user's absence to the store and then empties the place, in which the "
        "next connection stands by then.",
        lever="The store write of the clean-up (presence), and when a lost connection is noticed.",
        symptom="After reconnecting the socket answers pings, and no event of a request arrives.",
        finding_code="WS_EVENTS_LOST_AFTER_RECONNECT",
        remedy="Key the registry by connection, and remove only what is one's own.",
        also_breaks=(_TIMEOUT, "factory.error_propagation"),
        seen_in=(
            ("CloudTAK#1553", "https://github.com/dfpc-coe/CloudTAK/issues/1553"),
            ("zuul#1280", "https://github.com/Netflix/zuul/pull/1280"),
            ("ComfyUI#16010", "https://github.com/Comfy-Org/ComfyUI/issues/16010"),
        ),
    ),
    Defect(
        id="websocket.orphan_handlers",
        title="Handlers of connections that were lost stay subscribed",
        case=_CLEANUP,
        components={"connection_cleanup": f"{_MODULE}:OrderlyCleanup"},
        mechanism="Each connection subscribes message handlers. They are taken away when it is "
        "closed in order, and stay when it is lost; every later message walks over them.",
        lever="How a connection ends: without a close frame.",
        symptom="The number of handlers grows with every lost connection and never falls.",
        finding_code="WS_HANDLERS_LEFT_BEHIND",
        remedy="One clean-up for every way in which a connection can end.",
        also_breaks=("factory.lifecycle", "journey.performance_under_load"),
        seen_in=(("sdl_core#3693", "https://github.com/smartdevicelink/sdl_core/issues/3693"),),
    ),
    Defect(
        id="websocket.no_replay",
        title="What is sent while nobody is connected is dropped",
        case=_CLEANUP,
        components={"event_delivery": f"{_MODULE}:LiveDelivery"},
        mechanism="Events go straight to the user's connections and are kept nowhere; without a "
        "connection they are dropped, and a resume finds nothing to replay.",
        lever="The time between losing a connection and having the next.",
        symptom="After reconnecting and resuming, the events of the time between never come.",
        finding_code="WS_MESSAGES_LOST_WHILE_AWAY",
        remedy="Store each event before it is delivered, and replay from the last event id.",
        also_breaks=(_TIMEOUT, "journey.error_recovery", "routing.load_balancing"),
        seen_in=(
            ("chainlit#2201", "https://github.com/Chainlit/chainlit/issues/2201"),
            ("NodeBB#12458", "https://github.com/NodeBB/NodeBB/issues/12458"),
        ),
    ),
    Defect(
        id="websocket.shared_setup_state",
        title="The connection that is being set up is kept in shared state",
        case=_INTERFERENCE,
        components={"connection_setup": f"{_MODULE}:SharedSetup"},
        mechanism="While the auth service looks at a token, what is known of its connection stands "
        "in an attribute of the one set-up object. A handshake that begins meanwhile overwrites "
        "it, and the first connection is subscribed to the second user's events.",
        lever="The hop to the auth service that validates the token.",
        symptom="With several users connecting at once, one gets another's events and none of "
        "their own.",
        finding_code="WS_EVENT_MISDELIVERED",
        remedy="State of a connection lives in that connection's own object.",
        also_breaks=(
            "factory.lifecycle",
            "factory.error_propagation",
            "auth.context_isolation",
            "journey.multi_user_isolation",
            "journey.performance_under_load",
        ),
        seen_in=(
            ("uWebSockets#86", "https://github.com/uNetworking/uWebSockets/issues/86"),
            ("blackfish#247", "https://github.com/princeton-ddss/blackfish/issues/247"),
        ),
    ),
    Defect(
        id="websocket.inverted_timeouts",
        title="Heartbeat and lifetime are longer than the timeouts around them",
        case=_TIMEOUT,
        components={"connection_timeouts": f"{_MODULE}:FixedTimeouts"},
        mechanism="Heartbeat and lifetime are constants that know nothing of what stands in front: "
        "the heartbeat comes after the idle timeout of a proxy, the end of the lifetime after the "
        "request timeout of the ingress.",
        lever="The idle timeout of a proxy in front (not one of Cloud Run's rules), and the "
        "ingress's request timeout.",
        symptom="A quiet connection is cut inside the lifetime that it was told, unannounced.",
        finding_code="WS_IDLE_CONNECTION_CUT",
        remedy="Heartbeat below the idle timeout, life below the request timeout, with an "
        "announced reconnect.",
        seen_in=(
            ("peer-calls#262", "https://github.com/peer-calls/peer-calls/issues/262"),
            (
                "geppetto-vfb#1764",
                "https://github.com/VirtualFlyBrain/geppetto-vfb/issues/1764",
            ),
        ),
    ),
    Defect(
        id="websocket.answer_lost_after_cut",
        title="Answers end with the socket that asked",
        case=_TIMEOUT,
        components={"cut_handling": f"{_MODULE}:AnswersToAsker"},
        mechanism="The work on a request outlives its connection, but what it has to say is tied "
        "to the connection by which it was asked: once that is gone, events are neither sent nor "
        "stored.",
        lever="The ingress's request timeout, which cuts the connection while the agent works.",
        symptom="A request that was accepted before the cut has no answer after reconnecting.",
        finding_code="WS_ANSWER_LOST_AFTER_CUT",
        remedy="An answer belongs to its user: it goes through the outbox to wherever they are.",
        also_breaks=(_CLEANUP, "journey.error_recovery"),
        seen_in=(("openfang#866", "https://github.com/RightNow-AI/openfang/issues/866"),),
    ),
)
