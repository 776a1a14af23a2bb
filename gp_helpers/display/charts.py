"""Small line charts by hand: what is left after each session, how long each answer took."""

from __future__ import annotations

import math
from collections.abc import Container, Mapping, Sequence
from statistics import median

from gp_helpers.checkers.journey.performance_under_load import work_by_round
from gp_helpers.display.svg import Svg, element, figure, text
from gp_helpers.history import History, Kind

_WIDTH = 820.0
_COLUMNS = 3
_CELL = (_WIDTH - 32) / _COLUMNS
_HEIGHT = 118.0

Points = Sequence[tuple[float, float]]


def small_multiples(
    title: str,
    series: Mapping[str, Points],
    *,
    x_label: str,
    marked: Mapping[str, str],
    scattered: Container[str] = (),
) -> Svg:
    """A panel a series, all on the same x axis.

    ``marked`` says what is wrong with some of them; ``scattered`` are not joined by a line.
    """
    rows = math.ceil(len(series) / _COLUMNS)
    parts = [text(16, 26, title, "h")]
    told = []
    furthest = max((x for points in series.values() for x, _ in points), default=1.0) or 1.0
    for number, (name, points) in enumerate(series.items()):
        left = 16 + (number % _COLUMNS) * _CELL
        top = 44 + (number // _COLUMNS) * (_HEIGHT + 18)
        joined = name not in scattered
        parts += _panel(name, points, left, top, furthest, marked.get(name), joined)
        ends = f"{points[0][1]:g} to {points[-1][1]:g}" if points else "nothing"
        told.append(f"{name}: {ends}{f', {marked[name]}' if name in marked else ''}")
    bottom = 44 + rows * (_HEIGHT + 18)
    parts.append(text(16, bottom + 10, f"→ {x_label}", "small soft"))
    return figure(_WIDTH, bottom + 24, title, "\n".join(told), parts)


def _panel(
    name: str,
    points: Points,
    left: float,
    top: float,
    furthest: float,
    wrong: str | None,
    joined: bool,
) -> list[str]:
    width, height = _CELL - 52, _HEIGHT - 44
    x0, y0 = left + 34, top + 22 + height
    most = max((y for _, y in points), default=0.0)
    ceiling = _nice(most)
    colour = "var(--bad)" if wrong else "var(--good)"
    places = [(x0 + x / furthest * width, y0 - y / ceiling * height) for x, y in points]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dashes = None if wrong else "5 3"
    parts = [
        text(left + 6, top + 10, name, "strong"),
        element("line", class_="rule", x1=x0, x2=x0 + width, y1=y0, y2=y0),
        element("line", class_="rule", x1=x0, x2=x0 + width, y1=y0 - height, y2=y0 - height),
        text(x0 - 6, y0 + 4, "0", "small soft end"),
        text(x0 - 6, y0 - height + 4, f"{ceiling:g}", "small soft end"),
        text(x0 + width, y0 + 13, f"{furthest:g}", "small soft end"),
    ]
    if joined:
        parts.append(
            element("polyline", points=line, fill="none", stroke=colour, stroke_width=2,
                    stroke_dasharray=dashes)
        )  # fmt: skip
    parts += [element("circle", cx=x, cy=y, r=2.6, fill=colour) for x, y in places[:200]]
    if wrong:
        parts.append(text(x0 + width, top + 10, wrong, "bad strong small end"))
    return parts


def _nice(most: float) -> float:
    if most <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(most))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= most)


def resources_over_sessions(history: History) -> Svg:
    """What the platform held after each round of sessions; what does not go back is marked."""
    series: dict[str, dict[float, float]] = {}
    for entry in history.of(Kind.READING):
        if entry.data.get("resources") != "left":
            continue
        sessions = float(entry.data.get("sessions_so_far", 0))
        held = dict(entry.data.get("factories") or {}) | {
            "handlers": entry.data.get("handlers", 0),
            "tasks": sum((entry.data.get("tasks") or {}).values()),
        }
        for name, count in held.items():
            counts = series.setdefault(name, {})
            counts[sessions] = counts.get(sessions, 0.0) + float(count)
    points = {name: sorted(counts.items()) for name, counts in series.items()}
    if not points:
        nothing = "No resources were read."
        return figure(_WIDTH, 50, nothing, "", [text(16, 30, nothing, "h")])
    left = {
        name: f"+{found[-1][1] - found[0][1]:g}"
        for name, found in points.items()
        if found[-1][1] > found[0][1]
    }
    sessions = max(x for found in points.values() for x, _ in found)
    shown = ", ".join(f"{count[1:]} {name}" for name, count in left.items())
    title = f"After {sessions:g} sessions " + (
        f"there are more: {shown}" if left else "everything is back where it was"
    )
    return small_multiples(title, points, x_label="sessions so far", marked=left)


def latency_over_sessions(history: History) -> Svg:
    """How long answers took, alone and under load, and what one message caused, by sessions."""
    points: dict[str, list[tuple[float, float]]] = {}
    for entry in history.of(Kind.MEASURED):
        if entry.data.get("quantity") == "latency" and entry.data.get("phase") in _PHASES:
            name = _PHASES[entry.data["phase"]]
            place = (float(entry.data.get("sessions", 0)), float(entry.data["value"]))
            points.setdefault(name, []).append(place)
    for found in points.values():
        found.sort()
    scattered = set(points)
    medians = [f"p50 {median(y for _, y in found):.0f} ms {name.partition(',')[0]}"
               for name, found in points.items()]  # fmt: skip
    work = [(float(sessions), calls) for sessions, calls, _ in work_by_round(history)]
    marked = {}
    if work:
        points[_WORK] = work
        if work[-1][1] > work[0][1]:
            marked[_WORK] = f"×{work[-1][1] / work[0][1]:.1f}"
    if not points:
        nothing = "No latency was measured."
        return figure(_WIDTH, 50, nothing, "", [text(16, 30, nothing, "h")])
    title = ", ".join(medians)
    if work:
        title += f"; a message causes {work[0][1]:g} calls at first and {work[-1][1]:g} at last"
    return small_multiples(
        title, points, x_label="sessions so far", marked=marked, scattered=scattered
    )


_PHASES = {"quiet": "alone, ms", "loaded": "under load, ms"}
_WORK = "calls that a message causes"
