"""The plan's cases of factory pattern mismatches."""

from __future__ import annotations

from gp_helpers.plan.kinds import CaseInfo, Segment
from gp_helpers.plan.thresholds import EVENTS, INTEGRATION, ISOLATION
from gp_helpers.plan.value import value

FACTORY_CASES = (
    CaseInfo(
        "factory.interface_mismatch",
        "test_factory_interface_mismatch_reproduction",
        "Factories that do not fit together",
        "Agent, connection and execution factories disagree about names and arity, so that modes "
        "which are advertised cannot be assembled.",
        "500 or close 1011 in a mode that the configuration endpoint advertises",
        value(
            Segment.ALL,
            "a mode that is switched on answers nobody",
            "components that can be replaced one by one",
        ),
        INTEGRATION,
    ),
    CaseInfo(
        "factory.user_context_isolation",
        "test_factory_user_context_isolation_conflicts",
        "One cached connection for everybody",
        "The agent factory scopes by request while the connection factory caches under a key "
        "that all users share.",
        "one user's agent speaks through another user's connection",
        value(
            Segment.ALL,
            "private answers on a stranger's screen",
            "one explicit user context",
        ),
        ISOLATION,
    ),
    CaseInfo(
        "factory.lifecycle",
        "test_factory_lifecycle_management_coordination_failures",
        "What is left behind after each session",
        "Set-up and clean-up run in different orders in different factories, so that every "
        "session leaves something behind.",
        "handlers, tasks or engines grow with the number of sessions",
        value(
            Segment.ALL,
            "the platform slows down until somebody restarts it",
            "instances that live for weeks",
        ),
        INTEGRATION,
    ),
    CaseInfo(
        "factory.dependency_injection",
        "test_factory_dependency_injection_pattern_conflicts",
        "Built before its dependency was set",
        "Constructor, setter and method injection meet, and the bridge to the client is built "
        "before it is given its manager.",
        "the client gets nothing while the log says success",
        value(
            Segment.ALL,
            "a success in the log and silence for the customer",
            "an object graph that is complete before it serves",
        ),
        EVENTS,
    ),
    CaseInfo(
        "factory.error_propagation",
        "test_factory_error_handling_propagation_inconsistencies",
        "One fault, four outcomes",
        "The same fault of the store is swallowed, logged, answered with 500 or turned into a "
        "closed socket, depending on the factory that meets it.",
        "four different answers to one fault, two of them silent",
        value(
            Segment.ALL,
            "support cannot tell an outage from a slow answer",
            "one error contract towards every client",
        ),
        INTEGRATION,
    ),
)
