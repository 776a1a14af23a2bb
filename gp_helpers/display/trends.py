"""How the cases fare over all runs of a folder: success rates with intervals, and durations."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from gp_helpers.display.svg import Svg, element, figure, text
from gp_helpers.evidence import TrendRow
from gp_helpers.plan import THRESHOLDS

_ROW = 18
_TOP = 62
_LABELS = 262
_PANEL = 230
_GAP = 40
_WIDTH = _LABELS + 2 * _PANEL + _GAP + 26
_TICKS_S = tuple(float(f"{step}e{power}") for power in range(-3, 4) for step in (1, 2, 5))
_MOST_TICKS = 7
"""So many labels stand beside each other."""


def trend_figure(rows: Sequence[TrendRow]) -> Svg:
    """A line for each case of each environment: its success rate, and how long its trials took."""
    environments = list(dict.fromkeys(row.environment for row in rows))
    height = _TOP + _ROW * (len(rows) + len(environments)) + 44
    limit = THRESHOLDS["success_rate"].limit
    enough = sum(row.success.supports_more_than(limit) for row in rows)
    title = f"{enough} of {len(rows)} cases support more than {limit:.0%}"
    described = "; ".join(f"{row.environment} {row.case}: {row.success}" for row in rows)
    return figure(_WIDTH, height, title, described, _drawn(rows, title, height))


def _drawn(rows: Sequence[TrendRow], title: str, height: int) -> Iterator[str]:
    limit = THRESHOLDS["success_rate"].limit
    low, high = _span(rows)
    durations = _LABELS + _PANEL + _GAP
    bottom = height - 40

    def share(value: float) -> float:
        return _LABELS + _PANEL * value

    def place(seconds: float) -> float:
        return durations + _PANEL * math.log(max(seconds, low) / low) / math.log(high / low)

    yield text(12, 22, title, "h")
    yield text(share(0.5), 44, "success rate, 95 % interval", "soft mid")
    yield text(durations + _PANEL / 2, 44, "seconds of a trial: least, median, most", "soft mid")
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        yield _upright(share(tick), bottom, f"{tick:.0%}")
    for tick in _ticks(low, high):
        yield _upright(place(tick), bottom, f"{tick:g} s")
    yield element("line", class_="wait", stroke_dasharray="4 3", x1=share(limit), x2=share(limit),
                  y1=_TOP - 10, y2=bottom)  # fmt: skip
    yield text(share(limit), bottom + 30, f"more than {limit:.0%} is asked", "soft small end")
    at, environment = _TOP, None
    for row in rows:
        if row.environment != environment:
            environment = row.environment
            yield text(12, at + 4, environment, "strong")
            at += _ROW
        yield text(20, at + 4, row.case)
        yield from _rate(row, at, share)
        if (middle := row.seconds(50)) is not None:
            ends = place(row.seconds(0) or middle), place(row.seconds(100) or middle)
            yield element("line", class_="life", x1=ends[0], x2=ends[1], y1=at, y2=at)
            yield element("circle", element("title", f"median {middle:.2f} s"), class_="ink",
                          cx=place(middle), cy=at, r=3)  # fmt: skip
        at += _ROW


def _rate(row: TrendRow, at: int, share: Callable[[float], float]) -> Iterator[str]:
    rate = row.success
    if rate.rate is None:
        yield text(share(0.5), at + 4, "nothing decided", "soft small mid")
        return
    yield element("line", class_="life", stroke_width=2, x1=share(rate.lower), x2=share(rate.upper),
                  y1=at, y2=at)  # fmt: skip
    shape = "good" if rate.rate > THRESHOLDS["success_rate"].limit else "hollow"
    yield element("circle", element("title", str(rate)), class_=shape, cx=share(rate.rate), cy=at,
                  r=4)  # fmt: skip


def _upright(x: float, bottom: int, label: str) -> str:
    line = element("line", class_="rule", x1=x, x2=x, y1=_TOP - 10, y2=bottom)
    return line + text(x, bottom + 14, label, "soft small mid")


def _ticks(low: float, high: float) -> list[float]:
    ticks = [tick for tick in _TICKS_S if low <= tick <= high]
    return ticks[:: math.ceil(len(ticks) / _MOST_TICKS)]


def _span(rows: Sequence[TrendRow]) -> tuple[float, float]:
    """The ticks between which all durations lie."""
    seconds = [value for row in rows for point in row.points for value in point.seconds]
    low = max((tick for tick in _TICKS_S if tick <= min(seconds, default=0.1)), default=_TICKS_S[0])
    high = min(
        (tick for tick in _TICKS_S if tick >= max(seconds, default=10)), default=_TICKS_S[-1]
    )
    return low, high if high > low else low * 10
