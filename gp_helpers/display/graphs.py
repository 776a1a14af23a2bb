"""Graphs that a platform's diagnostics told: who waits for whom, and what depends on what."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gp_helpers.checkers.routing.wait_for import Waits, cycle_in, waits_of
from gp_helpers.display.svg import Svg, element, figure, group, shorten, text, text_width
from gp_helpers.history import History, Kind

_WIDTH = 760.0
_BOX = 30.0


@dataclass(frozen=True, slots=True)
class Edge:
    """An arrow, with what stands on it."""

    start: str
    end: str
    label: str
    is_wrong: bool = False


def wait_for_graph(history: History) -> Svg:
    """Which request waits for which, at the reading that shows a cycle, or else the last one."""
    labels = {
        str(entry.data["question"]): str(entry.data.get("about"))
        for entry in history.of(Kind.EXPECTED)
        if "question" in entry.data
    }
    locks, waits, cycle = _telling_locks(history)
    if not waits:
        nothing = "No request waits for another."
        return figure(_WIDTH, 50, nothing, "", [text(16, 30, nothing, "h")])
    on_cycle = set(zip(cycle or (), (cycle or ())[1:], strict=False))
    desks = {str(one.get("waiter")): str(one.get("lock")) for one in locks.get("waiters", ())}
    edges = [
        Edge(
            labels.get(waiter, waiter),
            labels.get(holder, holder),
            desks.get(waiter, "").partition("/")[0],
            (waiter, holder) in on_cycle or waiter == holder,
        )
        for waiter, holders in waits.items()
        for holder in sorted(holders)
    ]
    names = list(dict.fromkeys(name for edge in edges for name in (edge.start, edge.end)))
    if cycle is not None:
        shown = " waits for ".join(f"“{labels.get(name, name)}”" for name in cycle)
        title = f"A cycle that never ends: {shown}"
    else:
        title = f"{len(edges)} wait{'s' if len(edges) != 1 else ''}, and no cycle"
    around = [
        (360 + 230 * math.cos(angle), 190 + 110 * math.sin(angle))
        for angle in (math.pi + 2 * math.pi * i / len(names) for i in range(len(names)))
    ]
    places = dict(zip(names, around, strict=True))
    told = [f"{edge.start} waits for {edge.end}, at the desk of {edge.label}" for edge in edges]
    return _drawn(title, places, edges, 340, told)


def _telling_locks(
    history: History,
) -> tuple[Mapping[str, Any], Waits, tuple[str, ...] | None]:
    found: tuple[Mapping[str, Any], Waits, tuple[str, ...] | None] = ({}, {}, None)
    for entry in history.of(Kind.READING):
        locks = entry.data.get("locks")
        if not isinstance(locks, Mapping):
            continue
        waits = waits_of(locks)
        cycle = cycle_in(waits)
        if waits and (cycle is not None or found[2] is None):
            found = (locks, waits, cycle)
        if cycle is not None:
            break
    return found


def dependency_graph(history: History) -> Svg:
    """What the objects of a session depend on, as the platform last told; gaps are marked."""
    graphs = [
        session["graph"]
        for entry in history.of(Kind.READING)
        for session in entry.data.get("sessions") or ()
        if isinstance(session, Mapping) and isinstance(session.get("graph"), Mapping)
    ]
    if not graphs:
        nothing = "No dependency graph was told."
        return figure(_WIDTH, 50, nothing, "", [text(16, 30, nothing, "h")])
    graph = graphs[0]
    types = {str(node["id"]): str(node.get("type")) for node in graph.get("nodes", ())}
    edges = []
    for number, edge in enumerate(graph.get("edges", ())):
        is_missing = edge.get("to") is None
        end = f"nothing ({number})" if is_missing else str(edge["to"])
        edges.append(
            Edge(str(edge["from"]), end, f"{edge['name']}, {edge['injected']}", is_missing)
        )
    gaps = sum(edge.is_wrong for edge in edges)
    title = (
        f"{gaps} of {len(edges)} dependencies {'is' if gaps == 1 else 'are'} missing"
        if gaps
        else f"All {len(edges)} dependencies are there"
    )
    layers = _layers(edges)
    places: dict[str, tuple[float, float]] = {}
    for row, names in enumerate(layers):
        for number, name in enumerate(names):
            x = _WIDTH * (number + 0.5 + (0.12 if row % 2 else -0.06)) / len(names)
            places[name] = (min(max(x, 70), _WIDTH - 70), 70 + row * 92)
    told = [f"{edge.start} needs {edge.label}: {edge.end}" for edge in edges]
    return _drawn(title, places, edges, 60 + 92 * len(layers), told, types)


def _layers(edges: Sequence[Edge]) -> list[list[str]]:
    """Names by their distance from those that nobody depends on."""
    depth = {edge.start: 0 for edge in edges}
    for _ in range(len(depth)):
        for edge in edges:
            if edge.end != edge.start:
                deeper = depth.get(edge.start, 0) + 1
                if deeper > depth.get(edge.end, 0) and deeper <= len(edges):
                    depth[edge.end] = deeper
    layers: list[list[str]] = [[] for _ in range(max(depth.values(), default=0) + 1)]
    for name, level in depth.items():
        layers[level].append(name)
    return [layer for layer in layers if layer]


def _drawn(
    title: str,
    places: Mapping[str, tuple[float, float]],
    edges: Sequence[Edge],
    height: float,
    told: Sequence[str],
    types: Mapping[str, str] | None = None,
) -> Svg:
    lines: list[str] = []
    labels: list[str] = []
    for edge in edges:
        arrow, label = _arrow(edge, places, _width(edge.end, (types or {}).get(edge.end)))
        lines.append(arrow)
        labels.append(label)
    boxes = [_node(name, *place, (types or {}).get(name)) for name, place in places.items()]
    heading = text(16, 26, shorten(title, _WIDTH - 32, 15.4), "h")
    return figure(_WIDTH, height, title, "\n".join(told), [heading, *lines, *boxes, *labels])


def _shown(name: str) -> str:
    return "nothing" if name.startswith("nothing (") else name


def _width(name: str, kind: str | None) -> float:
    return max(text_width(_shown(name), 12), text_width(kind or "", 10)) + 22


def _node(name: str, x: float, y: float, kind: str | None) -> str:
    shown, width = _shown(name), _width(name, kind)
    is_gap = shown != name
    box = element(
        "rect",
        class_="ring" if is_gap else "life open",
        style="fill:var(--bg)" if is_gap else None,
        x=x - width / 2,
        y=y - _BOX / 2,
        width=width,
        height=_BOX,
        rx=5,
    )
    lines = [text(x, y + (0 if kind else 4), shown, "mid strong bad" if is_gap else "mid strong")]
    if kind:
        lines.append(text(x, y + 11, kind, "mid small soft"))
    return group(f"{shown} {kind or ''}".strip(), box, *lines)


def _arrow(edge: Edge, places: Mapping[str, tuple[float, float]], width: float) -> tuple[str, str]:
    """The arrow and its label, bent a little so that two opposite ones stay apart."""
    (x1, y1), (x2, y2) = places[edge.start], places[edge.end]
    colour = "var(--bad)" if edge.is_wrong else "var(--line)"
    if edge.start == edge.end:
        path = f"M{x1 - 14:.1f} {y1 - 15:.1f}c-26 -46 54 -46 28 0"
        at, tip, angle = (x1, y1 - 54), (x1 + 14, y1 - 15), math.pi * 0.62
    else:
        length = math.hypot(x2 - x1, y2 - y1) or 1.0
        bend = 0.16 * length if abs(y2 - y1) < 4 or abs(x2 - x1) > 150 else 14
        mx, my = (
            (x1 + x2) / 2 - (y2 - y1) / length * bend,
            (y1 + y2) / 2 + (x2 - x1) / length * bend,
        )
        angle = math.atan2(y2 - my, x2 - mx)
        back = min(
            (_BOX / 2 + 2) / max(abs(math.sin(angle)), 0.01),
            (width / 2 + 2) / max(abs(math.cos(angle)), 0.01),
        )
        tip = (x2 - back * math.cos(angle), y2 - back * math.sin(angle))
        path = f"M{x1:.1f} {y1:.1f}Q{mx:.1f} {my:.1f} {tip[0]:.1f} {tip[1]:.1f}"
        at = (0.25 * x1 + 0.5 * mx + 0.25 * x2, 0.25 * y1 + 0.5 * my + 0.25 * y2)
    line = element("path", d=path, fill="none", stroke=colour,
                   stroke_width=2.2 if edge.is_wrong else 1.4)  # fmt: skip
    head = element(
        "path",
        d="M0 0l-9 -4.5v9z",
        fill=colour,
        transform=f"translate({tip[0]:.1f} {tip[1]:.1f}) rotate({math.degrees(angle):.1f})",
    )
    label = text(at[0], at[1] + 3, edge.label, "mid small bad strong" if edge.is_wrong else
                 "mid small soft", paint_order="stroke", stroke="var(--bg)",
                 stroke_width=3)  # fmt: skip
    return line + head, label
