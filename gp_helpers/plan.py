"""The test plan as data: five suites, 23 cases, thresholds and statements of value.

Notebooks, reports, the command line and the plan's tests all print from here, so that they cannot
disagree about what is being tested and why.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Suite(StrEnum):
    """A suite of the plan; its value is the first part of its cases' ids."""

    AUTH = "auth"
    WEBSOCKET = "websocket"
    ROUTING = "routing"
    FACTORY = "factory"
    JOURNEY = "journey"


class Segment(StrEnum):
    """Who is affected."""

    ALL = "all user tiers"
    PAID = "paid tiers"
    ENTERPRISE = "enterprise"


@dataclass(frozen=True, slots=True)
class Value:
    """A case's statement of business value, in the plan's four parts."""

    segment: Segment
    goal: str
    impact: str
    strategic_impact: str

    def stated(self) -> dict[str, str]:
        """The four parts by their names, in the plan's order, as everything prints them."""
        return {
            "segment": self.segment.value,
            "goal": self.goal,
            "impact": self.impact,
            "strategic impact": self.strategic_impact,
        }


@dataclass(frozen=True, slots=True)
class Threshold:
    """A limit that the plan states."""

    id: str
    limit: float
    unit: str
    statement: str


@dataclass(frozen=True, slots=True)
class SuiteInfo:
    """What the plan says about a suite."""

    suite: Suite
    title: str
    category: str
    """The plan's category, ``integration`` or ``e2e``: the folder of its test file."""
    test_file: str
    notebook: str


@dataclass(frozen=True, slots=True)
class CaseInfo:
    """What the plan says about a case."""

    id: str
    test_name: str
    title: str
    hypothesis: str
    expected_symptom: str
    value: Value
    thresholds: tuple[str, ...]

    @property
    def suite(self) -> Suite:
        """The suite that the case belongs to."""
        return Suite(self.id.split(".", 1)[0])

    @property
    def average_threshold(self) -> str:
        """The threshold that the average over its trials is held against."""
        return "case_seconds_mean" if "case_seconds" in self.thresholds else "journey_seconds"


class UnknownNameError(ValueError):
    """A case, suite or threshold that the plan does not have was asked for."""

    def __init__(self, what: str, name: str, known: Iterable[str]) -> None:
        known = sorted(known)
        close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(close)}?" if close else f"known: {', '.join(known)}"
        super().__init__(f"unknown {what} {name!r}; {hint}")
        self.name = name
        self.known = known


THRESHOLDS: dict[str, Threshold] = {
    threshold.id: threshold
    for threshold in (
        Threshold("case_seconds_mean", 5.0, "s", "an integration case takes under 5 s on average"),
        Threshold("case_seconds", 10.0, "s", "an integration case takes at most 10 s"),
        Threshold("journey_seconds", 20.0, "s", "a user journey takes under 20 s"),
        Threshold("user_seconds", 10.0, "s", "a concurrent user's journey takes under 10 s"),
        Threshold("concurrent_users", 3, "users", "at least 3 users at once do not interfere"),
        Threshold("success_rate", 0.95, "share", "more than 95 % of trials succeed after the fix"),
        Threshold("events", 5, "events", "all five WebSocket events are sent, in order, once"),
        Threshold("contamination", 0, "items", "no data of another user is ever seen"),
        Threshold("urgent_seconds", 2.0, "s", "an urgent message is answered within 2.0 s"),
        Threshold("load_ratio", 1.5, "max/mean", "no instance carries over 1.5 x the mean load"),
        Threshold("degradation", 1.0, "share", "latency grows by less than 100 % under load"),
        Threshold("allowed_skew_s", 1.0, "s", "clocks of validators may differ by at most 1 s"),
    )
}

SUITES: dict[Suite, SuiteInfo] = {
    info.suite: info
    for info in (
        SuiteInfo(
            Suite.AUTH,
            "Auth token cascades",
            "integration",
            "tests/integration/test_issue_1176_golden_path_auth_token_cascades.py",
            "01_auth_token_cascades",
        ),
        SuiteInfo(
            Suite.WEBSOCKET,
            "WebSocket race conditions",
            "integration",
            "tests/integration/test_issue_1176_golden_path_websocket_race_conditions.py",
            "02_websocket_race_conditions",
        ),
        SuiteInfo(
            Suite.ROUTING,
            "Message router conflicts",
            "integration",
            "tests/integration/test_issue_1176_golden_path_message_router_conflicts.py",
            "03_message_router_conflicts",
        ),
        SuiteInfo(
            Suite.FACTORY,
            "Factory pattern mismatches",
            "integration",
            "tests/integration/test_issue_1176_golden_path_factory_pattern_mismatches.py",
            "04_factory_pattern_mismatches",
        ),
        SuiteInfo(
            Suite.JOURNEY,
            "Complete user journey",
            "e2e",
            "tests/e2e/test_issue_1176_golden_path_complete_user_journey.py",
            "05_complete_user_journey",
        ),
    )
}

_INTEGRATION = ("case_seconds", "case_seconds_mean", "success_rate")
_ISOLATION = (*_INTEGRATION, "contamination", "concurrent_users")
_EVENTS = (*_INTEGRATION, "events")
_RELIABILITY = "Golden Path reliability: a person who logs in gets an answer"
_REVENUE = "protects the $500K+ of yearly revenue that depends on the Golden Path"


def _value(segment: Segment, impact: str, strategic_impact: str) -> Value:
    return Value(segment, _RELIABILITY, f"{impact}; {_REVENUE}", strategic_impact)


_CASES = (
    CaseInfo(
        "auth.validation_cascade",
        "test_auth_token_validation_cascade_failure_reproduction",
        "One token, read differently at every hop",
        "One fresh token is accepted by one validator and refused by the next, because the hops "
        "do not share what a valid token is.",
        "401 on one REST route and a refused handshake for a token that the auth service accepts",
        _value(
            Segment.ALL,
            "a person who has just logged in is told to log in again",
            "one meaning of 'authenticated' across services",
        ),
        _INTEGRATION,
    ),
    CaseInfo(
        "auth.context_isolation",
        "test_auth_token_context_isolation_conflicts",
        "Who was taken for whom",
        "Identities leak between users who are validated at the same time, and a token that "
        "nobody issued connects as somebody.",
        "a reply made for another user than the token's subject; a garbage token connects",
        _value(
            Segment.ALL,
            "one customer sees another customer's costs",
            "multi-tenant isolation, without which no enterprise contract holds",
        ),
        _ISOLATION,
    ),
    CaseInfo(
        "auth.timing",
        "test_auth_service_backend_integration_timing_issues",
        "Tokens near their edges",
        "Around the instants when a token becomes valid, expires or is revoked, the validators "
        "disagree for longer than their clocks do.",
        "a token that stays refused after it became valid, or accepted after log-out",
        _value(
            Segment.ALL,
            "sessions break at random moments, and a log-out that logs nobody out",
            "sessions that end when we say they end",
        ),
        (*_INTEGRATION, "allowed_skew_s"),
    ),
    CaseInfo(
        "auth.error_amplification",
        "test_auth_error_handling_cascade_amplification",
        "One bad token, everybody locked out",
        "One user's refused token, or one slow answer of the auth service, is amplified into "
        "refusals for users who did nothing wrong.",
        "innocent users get 401 or 503 that does not pass with one honest retry",
        _value(
            Segment.ALL,
            "one misbehaving client takes the product away from everybody",
            "a blast radius that stays where the fault is",
        ),
        _INTEGRATION,
    ),
    CaseInfo(
        "websocket.handshake_race",
        "test_websocket_handshake_race_condition_cloud_run_reproduction",
        "Accepted before anything can serve it",
        "During a cold start, connections are accepted by an instance that is not ready, and "
        "stay silent.",
        "an open connection without connection_established or pong, 403, 1006 or 1011",
        _value(
            Segment.ALL,
            "the first person after a quiet hour sees a chat that never answers",
            "scale to zero without losing the first user",
        ),
        _INTEGRATION,
    ),
    CaseInfo(
        "websocket.event_manager_init",
        "test_websocket_event_manager_initialization_race",
        "Events sent to nobody",
        "A request that follows the handshake at once produces events before the connection is "
        "registered to receive them.",
        "fewer than five events for the first request of a connection",
        _value(
            Segment.ALL,
            "the first question of a session looks unanswered",
            "five events a request, whatever the timing",
        ),
        _EVENTS,
    ),
    CaseInfo(
        "websocket.cleanup_race",
        "test_websocket_connection_cleanup_race_condition",
        "The old connection's clean-up removes the new one",
        "A person who drops and reconnects at once is unregistered by the clean-up of the "
        "connection that died.",
        "no events after reconnecting; messages sent in between are lost; handlers pile up",
        _value(
            Segment.ALL,
            "a train through a tunnel ends the conversation",
            "sessions that survive mobile networks",
        ),
        _EVENTS,
    ),
    CaseInfo(
        "websocket.connection_interference",
        "test_websocket_concurrent_user_connection_interference",
        "Two handshakes, one set of variables",
        "Users who connect at the same time get each other's identity or each other's events.",
        "an event of one user on another user's socket; events missing on one's own",
        _value(
            Segment.ALL,
            "one customer reads another customer's answer",
            "zero tolerance of cross-user contamination",
        ),
        _ISOLATION,
    ),
    CaseInfo(
        "websocket.cloud_run_timeout",
        "test_websocket_cloud_run_timeout_race_condition",
        "The answer that missed the cut",
        "When the ingress cuts the connection, work that was accepted goes on and its answer "
        "reaches nobody.",
        "an accepted request without an answer; an idle connection cut inside its lifetime",
        _value(
            Segment.ALL,
            "long questions, the valuable ones, lose their answers",
            "timeouts that are agreed upon from the socket to the ingress",
        ),
        _EVENTS,
    ),
    CaseInfo(
        "routing.selection_conflict",
        "test_message_router_selection_conflict_reproduction",
        "Two routers, two agents",
        "The gateway's router and the agent registry's router decide differently about the same "
        "message.",
        "an answer by the wrong agent, twice, or not at all",
        _value(
            Segment.ALL,
            "a cost question is answered by the wrong specialist",
            "one place where work is assigned",
        ),
        _INTEGRATION,
    ),
    CaseInfo(
        "routing.priority",
        "test_message_priority_routing_conflict",
        "Urgent means two things",
        "One side of the queue treats a larger number as more urgent, the other a smaller one.",
        "an urgent message starts after normal ones that were still waiting",
        _value(
            Segment.PAID,
            "an urgent request waits behind everybody's backlog",
            "priorities that can be sold, because they hold",
        ),
        (*_INTEGRATION, "urgent_seconds"),
    ),
    CaseInfo(
        "routing.state_pollution",
        "test_message_routing_state_pollution_across_users",
        "One user's preferences, another user's answer",
        "The router keeps the last user's preferences and handlers and uses them for the next.",
        "an answer in another user's style, from another user's handler or data",
        _value(
            Segment.ALL,
            "people get answers that were meant for somebody else",
            "per-user context from the socket to the answer",
        ),
        _ISOLATION,
    ),
    CaseInfo(
        "routing.circular_deadlock",
        "test_message_routing_circular_dependency_deadlock",
        "Two hand-offs wait for each other",
        "Routers that hold their lock while they delegate to each other deadlock when two "
        "hand-offs cross, and a chain of rules leads back to its start.",
        "requests that never end; a cycle in the wait-for graph",
        _value(
            Segment.ENTERPRISE,
            "multi-agent questions hang for ever",
            "agents that can be combined without fear",
        ),
        _INTEGRATION,
    ),
    CaseInfo(
        "routing.load_balancing",
        "test_message_routing_load_balancing_conflicts",
        "The answer is made where the connection is not",
        "The ingress and the router spread work by different rules, and sessions live in one "
        "instance's memory.",
        "answers lost between instances; one instance carries most of the load",
        _value(
            Segment.ALL,
            "adding an instance makes answers disappear",
            "scaling out without losing messages",
        ),
        (*_INTEGRATION, "load_ratio"),
    ),
    CaseInfo(
        "factory.interface_mismatch",
        "test_factory_interface_mismatch_reproduction",
        "Factories that do not fit together",
        "Agent, connection and execution factories disagree about names and arity, so that modes "
        "which are advertised cannot be assembled.",
        "500 or close 1011 in a mode that the configuration endpoint advertises",
        _value(
            Segment.ALL,
            "a mode that is switched on answers nobody",
            "components that can be replaced one by one",
        ),
        _INTEGRATION,
    ),
    CaseInfo(
        "factory.user_context_isolation",
        "test_factory_user_context_isolation_conflicts",
        "One cached connection for everybody",
        "The agent factory scopes by request while the connection factory caches under a key "
        "that all users share.",
        "one user's agent speaks through another user's connection",
        _value(
            Segment.ALL,
            "private answers on a stranger's screen",
            "one explicit user context",
        ),
        _ISOLATION,
    ),
    CaseInfo(
        "factory.lifecycle",
        "test_factory_lifecycle_management_coordination_failures",
        "What is left behind after each session",
        "Set-up and clean-up run in different orders in different factories, so that every "
        "session leaves something behind.",
        "handlers, tasks or engines grow with the number of sessions",
        _value(
            Segment.ALL,
            "the platform slows down until somebody restarts it",
            "instances that live for weeks",
        ),
        _INTEGRATION,
    ),
    CaseInfo(
        "factory.dependency_injection",
        "test_factory_dependency_injection_pattern_conflicts",
        "Built before its dependency was set",
        "Constructor, setter and method injection meet, and the bridge to the client is built "
        "before it is given its manager.",
        "the client gets nothing while the log says success",
        _value(
            Segment.ALL,
            "a success in the log and silence for the customer",
            "an object graph that is complete before it serves",
        ),
        _EVENTS,
    ),
    CaseInfo(
        "factory.error_propagation",
        "test_factory_error_handling_propagation_inconsistencies",
        "One fault, four outcomes",
        "The same fault of the store is swallowed, logged, answered with 500 or turned into a "
        "closed socket, depending on the factory that meets it.",
        "four different answers to one fault, two of them silent",
        _value(
            Segment.ALL,
            "support cannot tell an outage from a slow answer",
            "one error contract towards every client",
        ),
        _INTEGRATION,
    ),
    CaseInfo(
        "journey.login_to_answer",
        "test_complete_golden_path_user_login_to_ai_response",
        "From log-in to a grounded answer",
        "Every health endpoint is green while the answer never comes, or comes empty.",
        "an answer without the asking user's figures, while every health endpoint answers 200",
        _value(
            Segment.ALL,
            "the product does not do what it is bought for",
            "the one journey that everything else serves",
        ),
        ("journey_seconds", "success_rate", "events"),
    ),
    CaseInfo(
        "journey.multi_user_isolation",
        "test_golden_path_multi_user_concurrent_isolation",
        "The same question, somebody else's figures",
        "Answers are shared between users who ask the same question.",
        "another user's figures in one's own answer",
        _value(
            Segment.ALL,
            "a competitor's costs in the answer",
            "zero tolerance of cross-user contamination",
        ),
        ("user_seconds", "success_rate", "contamination", "concurrent_users"),
    ),
    CaseInfo(
        "journey.error_recovery",
        "test_golden_path_error_recovery_and_resilience",
        "Three faults in one journey",
        "After a reset connection, a locked database or a failing model the work is done twice "
        "or given up silently.",
        "two answers to one question, or none",
        _value(
            Segment.ALL,
            "a short outage becomes double work or silence",
            "a journey that ends right, once",
        ),
        ("journey_seconds", "success_rate", "events"),
    ),
    CaseInfo(
        "journey.performance_under_load",
        "test_golden_path_performance_under_staging_load",
        "Slower with every session that ever was",
        "Handlers pile up and each message walks all of them, so latency grows with the number "
        "of sessions so far.",
        "latency that grows with sessions, not with load",
        _value(
            Segment.ALL,
            "the busiest day is the slowest day",
            "capacity that can be planned",
        ),
        ("journey_seconds", "success_rate", "degradation"),
    ),
)

CASES: dict[str, CaseInfo] = {case.id: case for case in _CASES}


def case_info(case_id: str) -> CaseInfo:
    """The plan's entry of a case; `UnknownNameError` with a suggestion if there is none."""
    try:
        return CASES[case_id]
    except KeyError:
        raise UnknownNameError("case", case_id, CASES) from None


def cases_of(suite: Suite) -> tuple[CaseInfo, ...]:
    """The cases of a suite, in the plan's order."""
    return tuple(case for case in _CASES if case.suite is suite)


def select(names: Iterable[str]) -> tuple[CaseInfo, ...]:
    """The cases that suite names and case ids select, in the plan's order; no name selects all."""
    wanted: set[str] = set()
    for name in names:
        if name in CASES:
            wanted.add(name)
        elif name in list(Suite):
            wanted.update(case.id for case in cases_of(Suite(name)))
        else:
            raise UnknownNameError("suite or case", name, [*CASES, *Suite])
    return tuple(case for case in _CASES if not wanted or case.id in wanted)
