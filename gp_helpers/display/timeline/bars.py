"""Exchanges as bars, each with its label where there is room for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from gp_helpers.display.svg import element, group, shorten, text, text_width
from gp_helpers.display.timeline.canvas import Canvas
from gp_helpers.display.timeline.marks import Form, Mark

_ROW = 17.0
_MOST_ROWS = 8


class _Side(StrEnum):
    """Where a bar's label stands."""

    RIGHT = "right"
    INSIDE = "inside"
    LEFT = "left"


@dataclass
class _Placed:
    """A bar with its place and that of its label."""

    mark: Mark
    left: float
    right: float
    label: str
    side: _Side

    @property
    def _room(self) -> float:
        return text_width(self.label) + 8 if self.label else 2

    @property
    def begins(self) -> float:
        """Where the bar begins, with its label."""
        return self.left - self._room if self.side is _Side.LEFT else self.left

    @property
    def ends(self) -> float:
        """Where the bar ends, with its label."""
        return self.right + self._room if self.side is _Side.RIGHT else self.right + 2


def _placed(canvas: Canvas, mark: Mark) -> _Placed:
    left = canvas.scale.x(mark.start)
    right = max(canvas.scale.x(mark.end), left + 5)
    width = text_width(mark.label) + 8
    if right + width <= canvas.right:
        return _Placed(mark, left, right, mark.label, _Side.RIGHT)
    if right - left >= width:
        return _Placed(mark, left, right, mark.label, _Side.INSIDE)
    if left - width >= canvas.left:
        return _Placed(mark, left, right, mark.label, _Side.LEFT)
    return _Placed(mark, left, right, shorten(mark.label, canvas.right - right - 8), _Side.RIGHT)


def draw_bars(canvas: Canvas, marks: Sequence[Mark], top: float) -> float:
    """Bars side by side where there is room, below each other where there is none."""
    rows: list[list[_Placed]] = []
    for mark in sorted(marks, key=lambda one: one.start):
        canvas.used.add(mark.form)
        placed = _placed(canvas, mark)
        free = next((row for row in rows if row[-1].ends <= placed.begins), None)
        if free is None and len(rows) < _MOST_ROWS:
            free = []
            rows.append(free)
        if free is None:
            free = min(rows, key=lambda row: row[-1].right)
            placed.label = ""
            if free[-1].ends > placed.left:
                free[-1].label = ""
        free.append(placed)
    for number, row in enumerate(rows):
        middle = top + _ROW * number + _ROW / 2 + 2
        canvas.drawn += [_bar(canvas, placed, middle) for placed in row]
    return _ROW * len(rows) + 5


BAR_STYLES: Mapping[Form, Mapping[str, object]] = {
    Form.ACCEPTED: {"class_": "good"},
    Form.REFUSED: {"class_": "hollow", "stroke_width": 1.4},
    Form.UNANSWERED: {"class_": "wait", "stroke_width": 1.6, "stroke_dasharray": "3 2"},
}


def _bar(canvas: Canvas, placed: _Placed, middle: float) -> str:
    left, width = placed.left, placed.right - placed.left
    mark = placed.mark
    bar = element(
        "rect", x=left, y=middle - 4.5, width=width, height=9, rx=2, **BAR_STYLES[mark.form]
    )
    ring = canvas.place(mark.entries, left + width / 2, middle, width, 9)
    return group(mark.told, bar, _bar_label(placed, middle, is_wrong=bool(ring)), ring)


def _bar_label(placed: _Placed, middle: float, *, is_wrong: bool) -> str:
    if not placed.label:
        return ""
    colour = "num bad strong" if is_wrong else "num"
    match placed.side:
        case _Side.RIGHT:
            x = placed.right + 5
        case _Side.LEFT:
            x, colour = placed.left - 5, f"{colour} end"
        case _Side.INSIDE:
            x, colour = (placed.left + placed.right) / 2, f"{colour} mid"
            if placed.mark.form is Form.ACCEPTED:
                colour = "num mid on strong"
    return text(x, middle + 3.6, placed.label, colour)
