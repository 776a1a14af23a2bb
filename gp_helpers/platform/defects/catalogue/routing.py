"""The defects of the routing suite."""

from __future__ import annotations

from gp_helpers.platform.defects.model import Defect

_MODULE = "gp_helpers.platform.defects.routing"

_SELECTION = "routing.selection_conflict"
_PRIORITY = "routing.priority"
_POLLUTION = "routing.state_pollution"
_DEADLOCK = "routing.circular_deadlock"
_BALANCING = "routing.load_balancing"

DEFECTS: tuple[Defect, ...] = (
    Defect(
        id="routing.second_router",
        title="The gateway has a router of its own",
        case=_SELECTION,
        components={"agent_router": f"{_MODULE}:GatewayRouter"},
        mechanism="The gateway routes by the kind of message, first registered match: a question "
        "to analysis, an instruction to planning. The agents' registry goes by the named agent "
        "and by keywords. The gateway's decision is the one that counts.",
        lever="Two sets of rules for one decision; no timing is involved.",
        symptom='"Can you plan how I spend less?" is answered by analysis, a named agent is '
        "ignored, and one that does not exist is served all the same.",
        finding_code="ROUTING_WRONG_AGENT",
        remedy="One router, whose rules are published.",
        seen_in=(
            ("mcp-server#2654", "https://github.com/DollhouseMCP/mcp-server/issues/2654"),
            ("remoteclaw#1576", "https://github.com/remoteclaw/remoteclaw/issues/1576"),
        ),
    ),
    Defect(
        id="routing.opposite_scales",
        title="Urgent means a large number here, a small one there",
        case=_PRIORITY,
        components={"priority_scale": f"{_MODULE}:UrgencyScale"},
        mechanism="The gateway gives urgency in points, more for what is more urgent, and takes "
        "an unknown word for the lowest; the queue serves the smallest number first.",
        lever="A backlog behind a worker that is busy at the model server.",
        symptom="An urgent request starts after every normal one that was waiting before it.",
        finding_code="ROUTING_URGENT_OVERTAKEN",
        remedy="One typed scale from the wire to the queue; an unknown word is refused.",
        seen_in=(
            ("easy-rules#203", "https://github.com/j-easy/easy-rules/issues/203"),
            ("FiveM_Queue#6", "https://github.com/anderscripts/FiveM_Queue/issues/6"),
        ),
    ),
    Defect(
        id="routing.shared_preferences",
        title="The router remembers the last user's preferences",
        case=_POLLUTION,
        components={"routing_context": f"{_MODULE}:RouterPreferences"},
        mechanism="Preferences that were said once are kept in the router, which is one object "
        "for all users, and added to everybody's next request.",
        lever="The order of two users' requests.",
        symptom="A user who wants technical detail gets a plain summary, because somebody else "
        "asked for one in between.",
        finding_code="ROUTING_FOREIGN_PREFERENCES",
        remedy="Preferences are kept with the connection on which they were said.",
        seen_in=(
            ("deadbird#16", "https://github.com/keitharm/deadbird/issues/16"),
            (
                "sveltekit-auth-example#2",
                "https://github.com/danawoodman/sveltekit-auth-example/issues/2",
            ),
        ),
    ),
    Defect(
        id="routing.first_user_handler",
        title="One handler for everybody, bound to the first user",
        case=_POLLUTION,
        components={"handler_binding": f"{_MODULE}:RegisteredHandler"},
        mechanism="The handler of requests is registered once, as a closure over the connection "
        "that came first; every later connection's requests are handled as that user's.",
        lever="The order in which two users connect.",
        symptom="The second user gets no answer; the first one gets an error about a request "
        "that they never sent.",
        finding_code="ROUTING_FOREIGN_HANDLER",
        remedy="A handler for each connection, which ends with it.",
        also_breaks=(
            _DEADLOCK,
            _BALANCING,
            "websocket.cleanup_race",
            "websocket.connection_interference",
            "websocket.cloud_run_timeout",
            "factory.interface_mismatch",
            "factory.user_context_isolation",
            "factory.lifecycle",
            "factory.error_propagation",
            "journey.multi_user_isolation",
            "journey.error_recovery",
            "journey.performance_under_load",
        ),
    ),
    Defect(
        id="routing.trusted_body_user",
        title="Whoever a message names is taken for its sender",
        case=_POLLUTION,
        components={"request_identity": f"{_MODULE}:MessageDecides"},
        mechanism="A user_id in the body of a message goes before the identity of the handshake.",
        lever="A field of the message; no timing is involved.",
        symptom="A request in another user's name is worked on; its events reach that user, who "
        "never asked.",
        finding_code="ROUTING_SPOOFED_USER_ACCEPTED",
        remedy="Identity from the handshake alone; a message that names another is refused.",
        seen_in=(
            ("agno#7817", "https://github.com/agno-agi/agno/pull/7817"),
            ("vault-web#341", "https://github.com/Vault-Web/vault-web/issues/341"),
        ),
    ),
    Defect(
        id="routing.nested_delegation",
        title="A desk is kept while another agent works",
        case=_DEADLOCK,
        components={"handoff": f"{_MODULE}:NestedDelegation"},
        mechanism="An agent holds the lock of its desk while it waits for the one that it handed "
        "the request to. Two requests of one conversation that are handed on in opposite "
        "directions wait for each other's desk.",
        lever="The model call that each agent makes while it sits at its desk.",
        symptom="Two requests never end; the platform's locks show a cycle.",
        finding_code="ROUTING_DEADLOCK",
        remedy="No lock is held across a delegation.",
        seen_in=(
            ("librefang#3733", "https://github.com/librefang/librefang/issues/3733"),
            ("protoactor-go#795", "https://github.com/asynkron/protoactor-go/issues/795"),
        ),
    ),
    Defect(
        id="routing.handoff_cycle",
        title="A chain of hand-offs leads back to where it was",
        case=_DEADLOCK,
        components={"handoff_rules": f"{_MODULE}:ConsultingRules"},
        mechanism="Each agent knows whom it consults, and nobody knows who has had the request: "
        "analysis asks planning, planning asks analysis.",
        lever="A request that asks for both; no timing is involved.",
        symptom="The request goes round until the hop limit ends it with handoff_limit, or for "
        "ever where there is none.",
        finding_code="ROUTING_HANDOFF_CYCLE",
        remedy="Each agent at most once, and a limit with a clear error.",
        seen_in=(
            ("conductor#1279", "https://github.com/conductor-oss/conductor/pull/1279"),
            ("vscode#325145", "https://github.com/microsoft/vscode/pull/325145"),
        ),
    ),
    Defect(
        id="routing.placement_by_hash",
        title="Connections go round, work goes by hash",
        case=_BALANCING,
        components={
            "connection_placement": f"{_MODULE}:RoundRobinConnections",
            "work_placement": f"{_MODULE}:HashRingWork",
        },
        mechanism="The ingress spreads connections round-robin, the router hands a thread's work "
        "to the instance that a hash ring names: FNV-1a, one point for each instance. The names "
        "differ in their last character, so do the points, and one arc is almost the whole ring.",
        lever="The hop between instances, and the names that instances have.",
        symptom="One of two instances does all the work, most of it far from the connection.",
        finding_code="ROUTING_LOAD_UNEVEN",
        remedy="Connections to the least loaded instance, work where the connection is.",
        seen_in=(
            ("consistent#10", "https://github.com/stathat/consistent/issues/10"),
            (
                "EnyimMemcachedCore#208",
                "https://github.com/cnblogs/EnyimMemcachedCore/pull/208",
            ),
            ("gunicorn#1130", "https://github.com/benoitc/gunicorn/issues/1130"),
        ),
    ),
    Defect(
        id="routing.local_sessions",
        title="Each instance knows its own sessions only",
        case=_BALANCING,
        components={"session_directory": f"{_MODULE}:MemorySessions"},
        mechanism="Where a user is connected is kept in the memory of the instance that has the "
        "connection. An event that another instance makes has nobody to go to there.",
        lever="Two instances, and a user with a connection to each or work placed elsewhere.",
        symptom="The answer is made and stored, and one of the user's devices never gets it.",
        finding_code="ROUTING_ANSWER_LOST",
        remedy="A session directory in the shared store, and notices between instances.",
        seen_in=(("open-webui#22402", "https://github.com/open-webui/open-webui/pull/22402"),),
    ),
)
