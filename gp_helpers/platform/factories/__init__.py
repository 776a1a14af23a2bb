"""The factories that put a user's session together, and the contract that they keep.

Public: hold your own factories against the same contract:

    rows = await check_factories([(Role.CONNECTION, "mine", MyConnectionFactory())])
    problems = [row for row in rows if row.problem is not None]
"""

from gp_helpers.platform.factories.conformance import (
    Check,
    Conformance,
    check_alone,
    check_factories,
    signature_problems,
)
from gp_helpers.platform.factories.contract import (
    Agent,
    AgentFactory,
    ConnectionFactory,
    Dependency,
    ExecutionEngine,
    ExecutionFactory,
    Injected,
    Injection,
    Role,
    UserConnection,
    UserContext,
    WebSocketManager,
)
from gp_helpers.platform.factories.graph import DependencyGraph, graph_of
from gp_helpers.platform.factories.loading import FactoryNotFound, load_factories
from gp_helpers.platform.factories.registry import FactoryRegistry, UnknownFactory

__all__ = [
    "Agent",
    "AgentFactory",
    "Check",
    "Conformance",
    "ConnectionFactory",
    "Dependency",
    "DependencyGraph",
    "ExecutionEngine",
    "ExecutionFactory",
    "FactoryNotFound",
    "FactoryRegistry",
    "Injected",
    "Injection",
    "Role",
    "UnknownFactory",
    "UserConnection",
    "UserContext",
    "WebSocketManager",
    "check_alone",
    "check_factories",
    "graph_of",
    "load_factories",
    "signature_problems",
]
