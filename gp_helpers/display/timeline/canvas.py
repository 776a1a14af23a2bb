"""What a timeline is drawn on: where entries stand, and which of them are ringed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gp_helpers.display.svg import element, text
from gp_helpers.display.timeline.marks import Form
from gp_helpers.display.timeline.scale import Scale


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
