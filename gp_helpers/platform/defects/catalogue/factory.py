"""The defects of the factory suite."""

from __future__ import annotations

from gp_helpers.platform.defects.model import Defect

_MODULE = "gp_helpers.platform.defects.factory"

_MISMATCH = "factory.interface_mismatch"
_ISOLATION = "factory.user_context_isolation"
_LIFECYCLE = "factory.lifecycle"
_INJECTION = "factory.dependency_injection"
_ERRORS = "factory.error_propagation"

_LOCK = "The store's write lock, held for longer than the busy timeout."
_ONE_CONTRACT = "One error type, translated at the one edge where the user is answered."

DEFECTS: tuple[Defect, ...] = (
    Defect(
        id="factory.renamed_argument",
        title="The connection factory calls the manager by another name",
        case=_MISMATCH,
        components={"factory_connection_factory": f"{_MODULE}:ManagerLines"},
        mechanism="The connection factory of mode factory takes `manager`; whoever puts a session "
        "together gives `websocket_manager`. They meet by name in a registry, which no type "
        "checker sees through.",
        lever="The factory's signature; no timing is involved.",
        symptom="GET /ws/config advertises mode factory, and every handshake in it ends with 500.",
        finding_code="FACTORY_MODE_UNUSABLE",
        remedy="One typed contract, and factories held against it by signature and by assembly.",
        also_breaks=(_LIFECYCLE, _INJECTION, _ERRORS),
        seen_in=(
            ("daphne#148", "https://github.com/django/daphne/issues/148"),
            ("superagentx#26", "https://github.com/superagentxai/superagentx/issues/26"),
        ),
    ),
    Defect(
        id="factory.extra_argument",
        title="The execution factory wants an argument that nobody gives",
        case=_MISMATCH,
        components={"isolated_execution_factory": f"{_MODULE}:ConfiguredEngines"},
        mechanism="The execution factory of mode isolated takes `user_context` and requires a "
        "`configuration`; its caller gives `context` and knows of no configuration. Engines of "
        "this mode are made for each request, so that the handshake still succeeds.",
        lever="The factory's signature; no timing is involved.",
        symptom="A connection in mode isolated is greeted, and closes with 1011 at its first "
        "request.",
        finding_code="FACTORY_MODE_UNUSABLE",
        remedy="One typed contract, and factories held against it by signature and by assembly.",
        also_breaks=(_ISOLATION, _ERRORS),
        seen_in=(("superagentx#26", "https://github.com/superagentxai/superagentx/issues/26"),),
    ),
    Defect(
        id="factory.device_cache",
        title="Everybody without a device id shares one connection",
        case=_ISOLATION,
        components={"isolated_connection_factory": f"{_MODULE}:DeviceLines"},
        mechanism="Agents are made for each request, connections are cached by the id of the "
        "client's device. Clients need not give one, and then the key is the same for all users: "
        "whoever connects first gets everybody's answers.",
        lever="The optional `device` parameter of the handshake; no timing is involved.",
        symptom="A's socket gets events with B's user id and B's figures; B gets nothing.",
        finding_code="FACTORY_FOREIGN_CONNECTION",
        remedy="One explicit user context for every factory, and nothing kept beyond its session.",
        seen_in=(("cheshire-cat#488", "https://github.com/cheshire-cat-ai/core/issues/488"),),
    ),
    Defect(
        id="factory.set_up_order_closing",
        title="Sessions are closed in the order in which they were made",
        case=_LIFECYCLE,
        components={"session_closing": f"{_MODULE}:SetUpOrderClosing"},
        mechanism="The connection is closed first. Its record cannot go while its engine's record "
        "refers to it, the closing ends there, and the engine stays with its task.",
        lever="The foreign key between the records of a session and of its parts.",
        symptom="After every session in mode factory one engine and one task more.",
        finding_code="FACTORY_RESOURCES_LEFT_BEHIND",
        remedy="One owner, who closes what was made last first, each part whatever became of the "
        "others.",
        seen_in=(
            (
                "python-dependency-injector#432",
                "https://github.com/ets-labs/python-dependency-injector/issues/432",
            ),
        ),
    ),
    Defect(
        id="factory.busy_sessions_forgotten",
        title="Who leaves before the answer leaves everything behind",
        case=_LIFECYCLE,
        components={"session_keeping": f"{_MODULE}:ClosedOnLeave"},
        mechanism="A session is closed when its user leaves, unless it is busy, so that its answer "
        "can be finished. When it has been, nobody closes the session.",
        lever="The agent's two model calls, during which the user leaves.",
        symptom="Handlers, tasks and engines grow with the users who left during their answer.",
        finding_code="FACTORY_RESOURCES_LEFT_BEHIND",
        remedy="The session is closed by whatever ends last: its user's connection or its work.",
        seen_in=(("cometd#322", "https://github.com/cometd/cometd/issues/322"),),
    ),
    Defect(
        id="factory.late_bridge",
        title="The bridge to the client is asked before it is complete",
        case=_INJECTION,
        components={"factory_assembly": f"{_MODULE}:SetterAssembly"},
        mechanism="The engine gets the bridge's sender by constructor, the bridge gets its "
        "connection by setter afterwards. The sender was made from what the bridge had then, "
        "which is nothing, and says in the log that it sent each event.",
        lever="The order of a constructor and a setter; no timing is involved.",
        symptom="A request in mode factory is worked on to its end, and its client gets nothing.",
        finding_code="FACTORY_EVENTS_LOST",
        remedy="Everything by constructor, in the order of dependence, assembled in one place.",
        also_breaks=(_MISMATCH, _LIFECYCLE, _ERRORS),
        seen_in=(
            (
                "rosbridge_suite#406",
                "https://github.com/RobotWebTools/rosbridge_suite/issues/406",
            ),
        ),
    ),
    Defect(
        id="factory.session_failure_raised",
        title="A session that cannot be recorded is a 500",
        case=_ERRORS,
        components={"factory_connection_failures": f"{_MODULE}:RaisingEdge"},
        mechanism="The connection factory of mode factory tells its failure with an exception of "
        "its own, which no edge knows.",
        lever=_LOCK,
        symptom="HTTP 500 without an error object at the handshake, not retryable.",
        finding_code="FACTORY_ERROR_CONTRACT_BROKEN",
        remedy=_ONE_CONTRACT,
        seen_in=(("rails#29390", "https://github.com/rails/rails/pull/29390"),),
    ),
    Defect(
        id="factory.session_failure_hidden",
        title="A session that cannot be recorded is greeted all the same",
        case=_ERRORS,
        components={"isolated_connection_failures": f"{_MODULE}:ForgivingEdge"},
        mechanism="The connection factory of mode isolated goes on without a record. Engines and "
        "agents refer to that record, so nothing can be made for the session later.",
        lever=_LOCK,
        symptom="connection_established during the fault; when the fault is gone, the first "
        "request ends the connection with 1011.",
        finding_code="FACTORY_ERROR_CONTRACT_BROKEN",
        remedy=_ONE_CONTRACT,
        seen_in=(
            ("Global-signbank#1331", "https://github.com/Signbank/Global-signbank/issues/1331"),
        ),
    ),
    Defect(
        id="factory.agent_failure_hidden",
        title="An agent that cannot be recorded is replaced by an idle one",
        case=_ERRORS,
        components={"agent_failures": f"{_MODULE}:ForgivingEdge"},
        mechanism="The agent factory gives an agent that does nothing where it cannot record one. "
        "The engine takes the request for answered.",
        lever=_LOCK,
        symptom="A request during the fault gets neither an event nor an error, ever.",
        finding_code="FACTORY_ERROR_CONTRACT_BROKEN",
        remedy=_ONE_CONTRACT,
        seen_in=(
            ("Global-signbank#1331", "https://github.com/Signbank/Global-signbank/issues/1331"),
        ),
    ),
    Defect(
        id="factory.engine_failure_raised",
        title="An engine that cannot be recorded closes the connection",
        case=_ERRORS,
        components={"execution_failures": f"{_MODULE}:RaisingEdge"},
        mechanism="The execution factory of mode isolated tells its failure with an exception of "
        "its own while a message is being handled, which ends the connection.",
        lever=_LOCK,
        symptom="A request during the fault ends its connection with 1011.",
        finding_code="FACTORY_ERROR_CONTRACT_BROKEN",
        remedy=_ONE_CONTRACT,
        seen_in=(("hypercorn#125", "https://github.com/pgjones/hypercorn/issues/125"),),
    ),
)
