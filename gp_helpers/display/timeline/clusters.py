"""Connections and moments: marks on a line; those that stand too close become one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gp_helpers.display.svg import element, group, text, text_width
from gp_helpers.display.timeline.canvas import Canvas
from gp_helpers.display.timeline.marks import Connection, Form, Mark

RADIUS = 7.5


def draw_connections(canvas: Canvas, connections: Sequence[Connection], middle: float) -> None:
    """The lines of connections that follow one another, and the marks of all of them."""
    for connection in connections:
        _draw_line(canvas, connection, middle)
    draw_marks(canvas, [mark for one in connections for mark in one.marks], middle)


def _draw_line(canvas: Canvas, connection: Connection, middle: float) -> None:
    left = canvas.scale.x(connection.start)
    right = canvas.scale.x(connection.end) if connection.end is not None else canvas.right
    canvas.drawn.append(
        element("line", class_="life", x1=left, x2=max(right, left + 4), y1=middle, y2=middle,
                stroke_width=1.6)
    )  # fmt: skip


@dataclass
class _Cluster:
    """Marks that stand too close to be drawn one by one."""

    marks: list[Mark]
    x: float

    @property
    def label(self) -> str:
        """Their characters in order, runs of events shortened to first–last."""
        found = "".join(_runs([mark.label for mark in self.marks]))
        return found if len(found) <= 14 else f"×{len(self.marks)}"

    @property
    def width(self) -> float:
        if len(self.marks) == 1:
            return 2 * RADIUS
        return max(2 * RADIUS, text_width(self.label, 10.5) + 9)


def _runs(labels: Sequence[str]) -> list[str]:
    found: list[str] = []
    index = 0
    while index < len(labels):
        end = index
        while (
            end + 1 < len(labels)
            and labels[end].isdigit()
            and labels[end + 1].isdigit()
            and int(labels[end + 1]) == int(labels[end]) + 1
        ):
            end += 1
        if end - index >= 2:
            found.append(f"{labels[index]}–{labels[end]}")
        else:
            found += labels[index : end + 1]
        index = end + 1
    if len(found) > 3 and len(set(found)) == 1:
        return [f"{found[0]}×{len(found)}"]
    return found


def draw_marks(canvas: Canvas, marks: Sequence[Mark], middle: float) -> None:
    clusters: list[_Cluster] = []
    for mark in sorted(marks, key=lambda one: (one.start, one.entries)):
        canvas.used.add(mark.form)
        x = canvas.scale.x(mark.start)
        last = clusters[-1] if clusters else None
        if last is not None and x - RADIUS < last.x - RADIUS + last.width + 1:
            last.marks.append(mark)
        else:
            clusters.append(_Cluster([mark], x))
    for cluster in clusters:
        canvas.drawn.append(_draw_cluster(canvas, cluster, middle))


def _draw_cluster(canvas: Canvas, cluster: _Cluster, middle: float) -> str:
    width = cluster.width
    left = min(cluster.x - RADIUS, canvas.right - width)
    sent = all(mark.form in (Form.SENT, Form.DONE) for mark in cluster.marks)
    shape = "ink" if sent else "life open"
    told = "\n".join(mark.told for mark in cluster.marks[:12])
    if len(cluster.marks) > 12:
        told += f"\n… and {len(cluster.marks) - 12} more"
    entries = [entry for mark in cluster.marks for entry in mark.entries]
    box = element(
        "rect",
        class_=shape,
        x=left,
        y=middle - RADIUS,
        width=width,
        height=2 * RADIUS,
        rx=RADIUS,
        stroke_width=1.4,
    )
    ring = canvas.place(entries, left + width / 2, middle, width, 2 * RADIUS)
    colour = "num mid strong on" if sent else "num mid strong bad" if ring else "num mid"
    return group(told, box, text(left + width / 2, middle + 3.8, cluster.label, colour), ring)
