"""The plan's cases of message router conflicts."""

from __future__ import annotations

from gp_helpers.plan.kinds import CaseInfo, Segment
from gp_helpers.plan.thresholds import INTEGRATION, ISOLATION
from gp_helpers.plan.value import value

ROUTING_CASES = (
    CaseInfo(
        "routing.selection_conflict",
        "test_message_router_selection_conflict_reproduction",
        "Two routers, two agents",
        "The gateway's router and the agent registry's router decide differently about the same "
        "message.",
        "an answer by the wrong agent, twice, or not at all",
        value(
            Segment.ALL,
            "a cost question is answered by the wrong specialist",
            "one place where work is assigned",
        ),
        INTEGRATION,
    ),
    CaseInfo(
        "routing.priority",
        "test_message_priority_routing_conflict",
        "Urgent means two things",
        "One side of the queue treats a larger number as more urgent, the other a smaller one.",
        "an urgent message starts after normal ones that were still waiting",
        value(
            Segment.PAID,
            "an urgent request waits behind everybody's backlog",
            "priorities that can be sold, because they hold",
        ),
        (*INTEGRATION, "urgent_seconds"),
    ),
    CaseInfo(
        "routing.state_pollution",
        "test_message_routing_state_pollution_across_users",
        "One user's preferences, another user's answer",
        "The router keeps the last user's preferences and handlers and uses them for the next.",
        "an answer in another user's style, from another user's handler or data",
        value(
            Segment.ALL,
            "people get answers that were meant for somebody else",
            "per-user context from the socket to the answer",
        ),
        ISOLATION,
    ),
    CaseInfo(
        "routing.circular_deadlock",
        "test_message_routing_circular_dependency_deadlock",
        "Two hand-offs wait for each other",
        "Routers that hold their lock while they delegate to each other deadlock when two "
        "hand-offs cross, and a chain of rules leads back to its start.",
        "requests that never end; a cycle in the wait-for graph",
        value(
            Segment.ENTERPRISE,
            "multi-agent questions hang for ever",
            "agents that can be combined without fear",
        ),
        INTEGRATION,
    ),
    CaseInfo(
        "routing.load_balancing",
        "test_message_routing_load_balancing_conflicts",
        "The answer is made where the connection is not",
        "The ingress and the router spread work by different rules, and sessions live in one "
        "instance's memory.",
        "answers lost between instances; one instance carries most of the load",
        value(
            Segment.ALL,
            "adding an instance makes answers disappear",
            "scaling out without losing messages",
        ),
        (*INTEGRATION, "load_ratio"),
    ),
)
