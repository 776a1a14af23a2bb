"""Lanes and a scale become an SVG: who said what to whom, when, and what a finding rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gp_helpers.display.svg import element, group, shorten, text, text_width
from gp_helpers.display.timeline.marks import BARS, SYMBOLS, Connection, Form, Lane, Mark
from gp_helpers.display.timeline.scale import Scale, Stretch

_ROW = 17.0
_SOCKET_ROW = 26.0
_MOST_ROWS = 6
_RADIUS = 7.5


@dataclass
class Canvas:
    """Collects what is drawn, and where marks came to stand."""

    scale: Scale
    left: float
    right: float
    numbered: Mapping[int, int]
    """Entry to the number of the violated claim that rests on it."""
    drawn: list[str] = field(default_factory=list)
    places: dict[int, tuple[float, float]] = field(default_factory=dict)
    used: set[Form] = field(default_factory=set)
    _called_out: set[tuple[int, int, int]] = field(default_factory=set)

    def place(self, entries: Sequence[int], x: float, y: float, width: float, height: float) -> str:
        """Remember where entries stand, and ring them if a violated claim rests on one."""
        for entry in entries:
            self.places.setdefault(entry, (x + width / 2, y))
        numbers = sorted({self.numbered[entry] for entry in entries if entry in self.numbered})
        if not numbers:
            return ""
        ring = element(
            "rect",
            class_="ring",
            x=x - width / 2 - 3,
            y=y - height / 2 - 3,
            width=width + 6,
            height=height + 6,
            rx=min(7.0, (height + 6) / 2),
        )
        return ring + self._call_out(numbers, x - width / 2 - 4, y - height / 2 - 2)

    def _call_out(self, numbers: list[int], x: float, y: float) -> str:
        """The numbers of claims beside a ring, unless the same stand close by already."""
        out = ""
        for index, number in enumerate(numbers):
            key = (number, round(x / 24), round(y / 40))
            if key in self._called_out:
                continue
            self._called_out.add(key)
            out += number_badge(x - index * 11, y, number)
        return out


def number_badge(x: float, y: float, number: int) -> str:
    """The number of a violated claim in a disc."""
    return element(
        "g",
        element("circle", cx=x, cy=y, r=6.2, fill="var(--bad)"),
        text(x, y + 3.3, str(number), "mid small strong on"),
    )


def disagreement_line(x1: float, y1: float, x2: float, y2: float) -> str:
    """The dashed line that stands for a first disagreement."""
    return element(
        "line",
        x1=x1,
        y1=y1,
        x2=x2,
        y2=y2,
        stroke="var(--bad)",
        stroke_width=1.5,
        stroke_dasharray="5 3",
    )


def draw_lane(canvas: Canvas, lane: Lane, top: float) -> float:
    """Draw a lane at ``top`` and return its height."""
    if lane.connections:
        middle = top + _SOCKET_ROW / 2
        for connection in lane.connections:
            _draw_connection(canvas, connection, middle)
        return _SOCKET_ROW
    if any(mark.form in BARS for mark in lane.marks):
        return _draw_bars(canvas, lane.marks, top)
    _draw_cluster_row(canvas, lane.marks, top + _SOCKET_ROW / 2)
    return _SOCKET_ROW


@dataclass
class _Placed:
    """A bar with its place."""

    mark: Mark
    left: float
    right: float
    label: str


def _draw_bars(canvas: Canvas, marks: Sequence[Mark], top: float) -> float:
    """Bars side by side where there is room, below each other where there is none."""
    rows: list[list[_Placed]] = []
    for mark in sorted(marks, key=lambda one: one.start):
        canvas.used.add(mark.form)
        left = canvas.scale.x(mark.start)
        right = max(canvas.scale.x(mark.end), left + 5)
        label = shorten(mark.label, canvas.right - right - 4, 11)
        free = next((row for row in rows if _end_of(row[-1]) <= left), None)
        if free is None and len(rows) < _MOST_ROWS:
            free = []
            rows.append(free)
        if free is None:
            free = min(rows, key=lambda row: row[-1].right)
            free[-1].label = ""
        free.append(_Placed(mark, left, right, label))
    for number, row in enumerate(rows):
        middle = top + _ROW * number + _ROW / 2 + 2
        canvas.drawn += [_bar(canvas, placed, middle) for placed in row]
    return _ROW * len(rows) + 5


def _end_of(placed: _Placed) -> float:
    return placed.right + (text_width(placed.label) + 8 if placed.label else 2)


_BAR_STYLES: Mapping[Form, Mapping[str, object]] = {
    Form.ACCEPTED: {"class_": "good"},
    Form.REFUSED: {"class_": "hollow", "stroke_width": 1.4},
    Form.UNANSWERED: {"class_": "wait", "stroke_width": 1.6, "stroke_dasharray": "3 2"},
}


def _bar(canvas: Canvas, placed: _Placed, middle: float) -> str:
    left, width = placed.left, placed.right - placed.left
    mark = placed.mark
    bar = element(
        "rect", x=left, y=middle - 4.5, width=width, height=9, rx=2, **_BAR_STYLES[mark.form]
    )
    ring = canvas.place(mark.entries, left + width / 2, middle, width, 9)
    colour = "num bad strong" if ring else "num"
    label = text(placed.right + 5, middle + 3.6, placed.label, colour) if placed.label else ""
    return group(mark.told, bar, label, ring)


def _draw_connection(canvas: Canvas, connection: Connection, middle: float) -> None:
    left = canvas.scale.x(connection.start)
    right = canvas.scale.x(connection.end) if connection.end is not None else canvas.right
    canvas.drawn.append(
        element("line", class_="life", x1=left, x2=max(right, left + 4), y1=middle, y2=middle,
                stroke_width=1.6)
    )  # fmt: skip
    _draw_cluster_row(canvas, connection.marks, middle)


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
            return 2 * _RADIUS
        return max(2 * _RADIUS, text_width(self.label, 10.5) + 9)


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


def _draw_cluster_row(canvas: Canvas, marks: Sequence[Mark], middle: float) -> None:
    clusters: list[_Cluster] = []
    for mark in sorted(marks, key=lambda one: (one.start, one.entries)):
        canvas.used.add(mark.form)
        x = canvas.scale.x(mark.start)
        last = clusters[-1] if clusters else None
        if last is not None and x - _RADIUS < last.x - _RADIUS + last.width + 1:
            last.marks.append(mark)
        else:
            clusters.append(_Cluster([mark], x))
    for cluster in clusters:
        canvas.drawn.append(_draw_cluster(canvas, cluster, middle))


def _draw_cluster(canvas: Canvas, cluster: _Cluster, middle: float) -> str:
    width = cluster.width
    left = min(cluster.x - _RADIUS, canvas.right - width)
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
        y=middle - _RADIUS,
        width=width,
        height=2 * _RADIUS,
        rx=_RADIUS,
        stroke_width=1.4,
    )
    ring = canvas.place(entries, left + width / 2, middle, width, 2 * _RADIUS)
    colour = "num mid strong on" if sent else "num mid strong bad" if ring else "num mid"
    return group(told, box, text(left + width / 2, middle + 3.8, cluster.label, colour), ring)


def draw_bands(canvas: Canvas, top: float, header: float, bottom: float) -> list[str]:
    """The steps as bands, and the axis below them."""
    out = []
    for number, band in enumerate(canvas.scale.bands):
        if number % 2 == 0:
            out.append(
                element("rect", class_="band", x=band.left, y=top, width=band.right - band.left,
                        height=bottom - top)
            )  # fmt: skip
        for stretch in band.stretches:
            if stretch.is_idle:
                out.append(_idle(stretch, top + header, bottom))
        for x, label in band.ticks():
            out.append(element("line", class_="rule", x1=x, x2=x, y1=top + header, y2=bottom + 4))
            out.append(text(x, bottom + 15, label, "small soft mid"))
    return out


def _idle(stretch: Stretch, top: float, bottom: float) -> str:
    left, right, seconds = stretch.left, stretch.right, stretch.end - stretch.start
    shown = f"{seconds * 1000:.0f} ms" if seconds < 10 else f"{seconds:.0f} s"
    middle = (left + right) / 2
    lines = "".join(
        element("line", class_="rule", x1=x, x2=x, y1=top, y2=bottom, stroke_dasharray="2 3")
        for x in (left + 5, right - 5)
    )
    return group(
        f"{shown} without anything to see, not drawn to scale",
        lines,
        text(middle, bottom + 15, "//", "small soft mid"),
    )


def legend(
    used: set[Form], has_findings: bool, left: float, right: float, top: float
) -> tuple[list[str], float]:
    """What the marks mean, only those that are there, wrapped to the width; and where it ends."""
    items: list[tuple[str, str, Form | None]] = [
        ("1–5" if form is Form.EVENT else SYMBOLS.get(form, ""), form.value, form)
        for form in Form
        if form in used
    ]
    if has_findings:
        items.append(("", "a violated claim rests on it", None))
    out, x, y = [], left, top
    for symbol, meaning, form in items:
        width = 30 + text_width(meaning, 10) + 14
        if x + width > right and x > left:
            x, y = left, y + 17
        out.append(_legend_item(symbol, meaning, form, x, y))
        x += width
    return out, y + 17


def _legend_item(symbol: str, meaning: str, form: Form | None, x: float, y: float) -> str:
    if form in BARS:
        shown = element("rect", x=x, y=y - 8, width=20, height=9, rx=2, **_BAR_STYLES[form])
    elif form is None:
        shown = element("rect", class_="ring", x=x + 1, y=y - 9, width=18, height=11, rx=5)
    else:
        wide = max(text_width(symbol, 10.5) + 9, 2 * _RADIUS - 1)
        dark = form in (Form.SENT, Form.DONE)
        shown = element(
            "rect",
            class_="ink" if dark else "life open",
            x=x + 10 - wide / 2,
            y=y - 11,
            width=wide,
            height=14,
            rx=7,
        ) + text(x + 10, y, symbol, "num mid strong on" if dark else "num mid")
    return shown + text(x + 27, y, meaning, "small soft")
