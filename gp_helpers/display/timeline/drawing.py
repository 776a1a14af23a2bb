"""Lanes, steps, axis and legend of a timeline."""

from __future__ import annotations

from gp_helpers.display.svg import element, group, text, text_width
from gp_helpers.display.timeline.bars import BAR_STYLES, draw_bars
from gp_helpers.display.timeline.canvas import Canvas
from gp_helpers.display.timeline.clusters import RADIUS, draw_connections, draw_marks
from gp_helpers.display.timeline.marks import BARS, SYMBOLS, Form, Lane
from gp_helpers.display.timeline.scale import Stretch

_SOCKET_ROW = 26.0


def draw_lane(canvas: Canvas, lane: Lane, top: float) -> float:
    """Draw a lane at ``top`` and return its height."""
    if lane.connections:
        middle = top + _SOCKET_ROW / 2
        draw_connections(canvas, lane.connections, middle)
        return _SOCKET_ROW
    if any(mark.form in BARS for mark in lane.marks):
        return draw_bars(canvas, lane.marks, top)
    draw_marks(canvas, lane.marks, top + _SOCKET_ROW / 2)
    return _SOCKET_ROW


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
        shown = element("rect", x=x, y=y - 8, width=20, height=9, rx=2, **BAR_STYLES[form])
    elif form is None:
        shown = element("rect", class_="ring", x=x + 1, y=y - 9, width=18, height=11, rx=5)
    else:
        wide = max(text_width(symbol, 10.5) + 9, 2 * RADIUS - 1)
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
