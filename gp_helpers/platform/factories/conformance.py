"""Holds factories against the contract: by their signatures, and by really making a product.

Each check gives rows; a row without a problem says that the factory passed it. `check_alone` makes
each factory work with the arguments that its own signature asks for: one that does so and does not
fit the contract is healthy by itself, and cannot be put together with the others.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import anyio

from gp_helpers.platform.factories.contract import (
    AgentFactory,
    ConnectionFactory,
    ExecutionFactory,
    Role,
    UserConnection,
    UserContext,
    WebSocketManager,
)
from gp_helpers.platform.factories.doubles import (
    ExampleAgents,
    ExampleConnection,
    ExampleManager,
    example_context,
    example_event,
    example_request,
)

_TIMEOUT_S = 5.0

CONTRACTS: dict[Role, Any] = {
    Role.CONNECTION: ConnectionFactory,
    Role.AGENT: AgentFactory,
    Role.EXECUTION: ExecutionFactory,
}
_PRODUCTS: dict[Role, tuple[str, ...]] = {
    Role.CONNECTION: ("emit", "close"),
    Role.AGENT: ("answer", "close"),
    Role.EXECUTION: ("execute", "close"),
}

Named = tuple[Role, str, Any]
"""A factory with its role and its name, as a registry gives them."""


class Check(StrEnum):
    """How a factory was tried."""

    ALONE = "alone"
    SIGNATURE = "signature"
    ASSEMBLY = "assembly"


@dataclass(frozen=True, slots=True)
class Conformance:
    """What one check says about one factory."""

    factory: str
    role: Role
    check: Check
    problem: str | None
    """`None`: it passed."""

    def to_json(self) -> dict[str, str | None]:
        return {
            "factory": self.factory,
            "role": str(self.role),
            "check": str(self.check),
            "problem": self.problem,
        }


async def check_factories(factories: Iterable[Named]) -> list[Conformance]:
    """Hold factories against the contract, by signature and by assembly."""
    rows: list[Conformance] = []
    for role, name, factory in factories:
        problems: list[str | None] = [*signature_problems(role, factory)]
        rows += [Conformance(name, role, Check.SIGNATURE, one) for one in problems or [None]]
        assembly = await _tried(_assemble, role, factory)
        rows.append(Conformance(name, role, Check.ASSEMBLY, assembly))
    return rows


async def check_alone(factories: Iterable[Named]) -> list[Conformance]:
    """Make each factory work with the arguments that its own annotations ask for."""
    return [
        Conformance(name, role, Check.ALONE, await _tried(_make_alone, role, factory))
        for role, name, factory in factories
    ]


def signature_problems(role: Role, factory: object) -> list[str]:
    """What keeps `factory.create` from being called as the contract calls it."""
    create = getattr(factory, "create", None)
    if not callable(create):
        return ["it has no method create"]
    given = list(inspect.signature(CONTRACTS[role].create).parameters)[1:]
    offered = inspect.signature(create).parameters.values()
    takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in offered)
    by_name = {
        parameter.name
        for parameter in offered
        if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    }
    problems = [
        f"create does not take {name}" for name in given if name not in by_name and not takes_any
    ]
    problems += [
        f"create requires {parameter.name}, which the contract does not give"
        for parameter in offered
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
        and parameter.name not in by_name.intersection(given)
    ]
    if not inspect.iscoroutinefunction(create):
        problems.append("create is not a coroutine function")
    return problems


@dataclass(slots=True)
class _Doubles:
    context: UserContext = field(default_factory=example_context)
    manager: ExampleManager = field(default_factory=ExampleManager)
    agents: ExampleAgents = field(default_factory=ExampleAgents)
    connection: ExampleConnection = field(init=False)

    def __post_init__(self) -> None:
        self.connection = ExampleConnection(self.context)

    def for_role(self, role: Role) -> dict[str, Any]:
        """The arguments that the contract gives."""
        match role:
            case Role.CONNECTION:
                return {"context": self.context, "websocket_manager": self.manager}
            case Role.AGENT:
                return {"context": self.context, "connection": self.connection}
            case Role.EXECUTION:
                return {
                    "context": self.context,
                    "connection": self.connection,
                    "agent_factory": self.agents,
                }

    def of_type(self, wanted: Any) -> Any:
        """A double of a type of the contract; anything else is made without arguments."""
        known: dict[Any, Any] = {
            UserContext: self.context,
            WebSocketManager: self.manager,
            UserConnection: self.connection,
            AgentFactory: self.agents,
        }
        return known[wanted] if wanted in known else wanted()


async def _assemble(role: Role, factory: Any) -> str | None:
    doubles = _Doubles()
    return await _use(role, await factory.create(**doubles.for_role(role)), doubles)


async def _make_alone(role: Role, factory: Any) -> str | None:
    doubles = _Doubles()
    hints = typing.get_type_hints(factory.create)
    arguments = {
        parameter.name: doubles.of_type(hints[parameter.name])
        for parameter in inspect.signature(factory.create).parameters.values()
        if parameter.default is parameter.empty
    }
    return await _use(role, await factory.create(**arguments), doubles)


async def _use(role: Role, product: Any, doubles: _Doubles) -> str | None:
    """Use a product once and close it; the problem, if there is one."""
    missing = [name for name in _PRODUCTS[role] if not callable(getattr(product, name, None))]
    if missing:
        return f"its product has no method {', '.join(missing)}"
    try:
        if role is Role.CONNECTION:
            event = example_event(doubles.context)
            await product.emit(doubles.context.user_id, event)
            if doubles.manager.delivered != [(doubles.context.session_id, event)]:
                return "what is emitted does not reach its session's user"
        elif role is Role.EXECUTION:
            request = example_request()
            await product.execute(request)
            if doubles.agents.answered != [request]:
                return "no agent of the given factory answers the request"
    finally:
        await product.close()
    return None


async def _tried(
    check: Callable[[Role, Any], Awaitable[str | None]], role: Role, factory: object
) -> str | None:
    try:
        with anyio.fail_after(_TIMEOUT_S):
            return await check(role, factory)
    except TimeoutError:
        return f"it took more than {_TIMEOUT_S:g} s"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
