"""The dependency graph of live objects: what each was given, what it still lacks, who goes round.

Objects that say what they depend on (`Injected`) are followed; the others are leaves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gp_helpers.platform.factories.contract import Injected, Injection, UserContext


@dataclass(frozen=True, slots=True)
class Node:
    """An object."""

    id: str
    type: str
    owner: str | None
    """Id of the user whose context it has; `None` for what all users share."""


@dataclass(frozen=True, slots=True)
class Edge:
    """An object depends on another; `target` is `None` where it was never given one."""

    source: str
    name: str
    target: str | None
    injected: Injection


@dataclass(frozen=True, slots=True)
class DependencyGraph:
    """Who depends on whom."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    @property
    def unresolved(self) -> tuple[Edge, ...]:
        """Dependencies that are not there."""
        return tuple(edge for edge in self.edges if edge.target is None)

    @property
    def cycles(self) -> tuple[tuple[str, ...], ...]:
        """Node ids of each way that leads back to its start, one for each such way back."""
        targets: dict[str, list[str]] = {node.id: [] for node in self.nodes}
        for edge in self.edges:
            if edge.target is not None:
                targets[edge.source].append(edge.target)
        found: list[tuple[str, ...]] = []
        done: set[str] = set()

        def follow(node: str, path: list[str]) -> None:
            if node in path:
                found.append(tuple(path[path.index(node) :]))
                return
            if node in done:
                return
            for target in targets[node]:
                follow(target, [*path, node])
            done.add(node)

        for node in targets:
            follow(node, [])
        return tuple(found)

    def to_json(self) -> dict[str, Any]:
        return {
            "nodes": [
                {"id": node.id, "type": node.type, "owner": node.owner} for node in self.nodes
            ],
            "edges": [_edge(edge) for edge in self.edges],
            "unresolved": [_edge(edge) for edge in self.unresolved],
            "cycles": [list(cycle) for cycle in self.cycles],
        }


def graph_of(roots: Mapping[str, object]) -> DependencyGraph:
    """The graph of everything that can be reached from `roots`, named by what depends on it."""
    names: dict[int, str] = {}
    nodes: list[Node] = []
    edges: list[Edge] = []
    waiting: list[object] = []

    def name_of(wanted: str, value: object) -> str:
        if id(value) not in names:
            taken = set(names.values())
            number, name = 1, wanted
            while name in taken:
                number += 1
                name = f"{wanted} {number}"
            names[id(value)] = name
            context = getattr(value, "context", None)
            owner = context.user_id if isinstance(context, UserContext) else None
            nodes.append(Node(name, type(value).__name__, owner))
            waiting.append(value)
        return names[id(value)]

    for name, value in roots.items():
        name_of(name, value)
    while waiting:
        value = waiting.pop(0)
        if not isinstance(value, Injected):
            continue
        source = names[id(value)]
        for dependency in value.dependencies():
            target = (
                None if dependency.value is None else name_of(dependency.name, dependency.value)
            )
            edges.append(Edge(source, dependency.name, target, dependency.injected))
    return DependencyGraph(tuple(nodes), tuple(edges))


def _edge(edge: Edge) -> dict[str, Any]:
    return {
        "from": edge.source,
        "name": edge.name,
        "to": edge.target,
        "injected": str(edge.injected),
    }
