"""From seconds to pixels: each step is a band with a scale of its own; idle time is left out.

A case waits for nothing but takes 2 ms here and 400 ms there, and by hand minutes pass between two
cells; one linear scale would show a blot and a void.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

_BREAK = 20.0
"""Width of idle time that is left out."""
_LEAST = 82.0
"""Width of a band at least."""
_EMPHASIS = 4
"""Room of an entry that a finding rests on, against that of any other."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a band; idle where nothing happened for long, and then not to scale."""

    start: float
    end: float
    left: float
    right: float
    is_idle: bool


@dataclass
class Band:
    """A step on the axis."""

    name: str
    start: float
    end: float
    times: list[float] = field(default_factory=list)
    grounds: int = 0
    """How many of its entries a finding rests on; they get more room."""
    left: float = 0.0
    right: float = 0.0
    stretches: list[Stretch] = field(default_factory=list)

    def _parts(self) -> list[tuple[float, float, bool]]:
        moments = sorted({self.start, *self.times, self.end})
        whole = self.end - self.start
        parts: list[tuple[float, float, bool]] = []
        for before, after in pairwise(moments):
            idle = after - before > max(0.3 * whole, 0.05)
            if parts and not idle and not parts[-1][2]:
                parts[-1] = (parts[-1][0], after, False)
            else:
                parts.append((before, after, idle))
        return parts or [(self.start, self.end, False)]

    @property
    def active(self) -> float:
        """Seconds in which something happened."""
        return sum(end - start for start, end, idle in self._parts() if not idle)

    def lay_out(self, left: float, right: float) -> None:
        """Give the band its place."""
        self.left, self.right = left, right
        parts = self._parts()
        inner_left, inner_right = left + 8, right - 8
        idle = sum(_BREAK for part in parts if part[2])
        room = max(inner_right - inner_left - idle, 1.0)
        active = self.active or 1.0
        at = inner_left
        for start, end, is_idle in parts:
            width = _BREAK if is_idle else room * (end - start) / active
            self.stretches.append(Stretch(start, end, at, at + width, is_idle))
            at += width

    def x(self, moment: float) -> float:
        """Where a moment of this band stands."""
        for stretch in self.stretches:
            if moment <= stretch.end:
                length = stretch.end - stretch.start
                share = max(0.0, moment - stretch.start) / length if length else 0.0
                return stretch.left + share * (stretch.right - stretch.left)
        return self.stretches[-1].right

    def ticks(self) -> list[tuple[float, str]]:
        """Positions and labels in ms, far enough apart to be read."""
        found: list[tuple[float, str]] = []
        last = -math.inf
        breaks = [(one.left + one.right) / 2 for one in self.stretches if one.is_idle]
        for stretch in self.stretches:
            width, length = stretch.right - stretch.left, (stretch.end - stretch.start) * 1000
            if stretch.is_idle or length <= 0:
                continue
            step = _nice(length * 52 / max(width, 1.0))
            value = math.ceil(stretch.start * 1000 / step - 1e-9) * step
            while value <= stretch.end * 1000:
                at = self.x(value / 1000)
                if at - last >= 44 and all(abs(at - middle) > 20 for middle in breaks):
                    found.append((at, f"{value:.{0 if step >= 1 else 1}f}"))
                    last = at
                value += step
        return found


def _nice(least: float) -> float:
    power = 10.0 ** math.floor(math.log10(max(least, 1e-6)))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= least)


@dataclass
class Scale:
    """The whole axis."""

    bands: list[Band]

    def x(self, moment: float) -> float:
        """Where a moment stands; between two steps at the border."""
        for band in self.bands:
            if moment <= band.end:
                return band.x(max(moment, band.start))
        return self.bands[-1].right


def scale_of(bands: Sequence[Band], left: float, right: float) -> Scale:
    """Share the width among the bands: by how much happened, and by how long it took."""
    least = min(_LEAST, (right - left) / len(bands))
    room = max(right - left - least * len(bands), 0.0)
    counts = [len(band.times) + 1 + _EMPHASIS * band.grounds for band in bands]
    lengths = [band.active for band in bands]
    whole = sum(lengths) or 1.0
    at = left
    for band, count, length in zip(bands, counts, lengths, strict=True):
        width = least + room * (0.6 * count / sum(counts) + 0.4 * length / whole)
        band.lay_out(at, at + width)
        at += width
    return Scale(list(bands))
