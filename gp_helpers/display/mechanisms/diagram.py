"""Sequence diagrams from data: lanes, messages in order, and the marked place where it breaks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gp_helpers.display.svg import Svg, element, figure, text, text_width, wrap

_WIDTH = 860.0
_MARGIN = 80.0
_TOP = 74.0


@dataclass(frozen=True, slots=True)
class Message:
    """Something that one lane says to another, or does by itself."""

    sender: str
    receiver: str
    said: str
    is_reply: bool = False
    is_lost: bool = False
    """It reaches nobody."""


@dataclass(frozen=True, slots=True)
class Note:
    """Something that is true at a lane from here on."""

    lane: str
    said: str


@dataclass(frozen=True, slots=True)
class Break:
    """The place where it breaks: between what a lane did last, and what the user needed."""

    lane: str
    said: str


@dataclass(frozen=True, slots=True)
class Diagram:
    """The mechanism of one case."""

    case: str
    title: str
    """States what breaks."""
    lanes: tuple[str, ...]
    moments: tuple[Message | Note | Break, ...]


def draw(diagram: Diagram) -> Svg:
    """Draw a diagram; its text form lists the same moments."""
    count = len(diagram.lanes)
    gap = (_WIDTH - 2 * _MARGIN) / max(count - 1, 1)
    columns = {lane: _MARGIN + number * gap for number, lane in enumerate(diagram.lanes)}
    parts: list[str] = []
    y = _TOP + 26
    for moment in diagram.moments:
        drawn, y = _moment(moment, columns, gap, y)
        parts += drawn
    bottom = y + 4
    lifelines = [
        element("line", class_="life", x1=x, x2=x, y1=_TOP, y2=bottom, stroke_dasharray="2 4")
        for x in columns.values()
    ]
    heads = [_head(lane, x, gap) for lane, x in columns.items()]
    title = [text(16, 26, part, "h") for part in wrap(diagram.title, _WIDTH - 32, 14)[:1]]
    return figure(
        _WIDTH,
        bottom + 12,
        diagram.title,
        "\n".join(_told(diagram.moments)),
        [*title, *lifelines, *heads, *parts],
    )


def _head(lane: str, x: float, gap: float) -> str:
    width = min(max(text_width(lane) + 22, 76), gap - 8)
    lines = wrap(lane, width - 8)[:2]
    first = 59 - 6.5 * (len(lines) - 1)
    return element(
        "g",
        element("rect", class_="life open", x=x - width / 2, y=40, width=width, height=32, rx=4),
        *(text(x, first + 13 * n, part, "mid strong num") for n, part in enumerate(lines)),
    )


def _moment(
    moment: Message | Note | Break, columns: dict[str, float], gap: float, y: float
) -> tuple[list[str], float]:
    match moment:
        case Message():
            return _message(moment, columns, gap, y)
        case Note():
            return _box(moment.said, columns[moment.lane], y, is_break=False)
        case Break():
            return _box(moment.said, columns[moment.lane], y, is_break=True)


def _message(
    message: Message, columns: dict[str, float], gap: float, y: float
) -> tuple[list[str], float]:
    x1, x2 = columns[message.sender], columns[message.receiver]
    if x1 == x2:
        return _own(message.said, x1, gap, y)
    towards = 1 if x2 > x1 else -1
    room = abs(x2 - x1) - 22
    lines = wrap(message.said, room)
    end = x2 - towards * (gap * 0.42 if message.is_lost else 2)
    baseline = y + 13 * (len(lines) - 1)
    parts = [
        text((x1 + x2) / 2, y + 13 * number, part, "mid num", paint_order="stroke",
             stroke="var(--bg)", stroke_width=3)
        for number, part in enumerate(lines)
    ]  # fmt: skip
    arrow = baseline + 8
    parts.append(
        element("line", class_="ink", x1=x1, x2=end, y1=arrow, y2=arrow, stroke_width=1.4,
                stroke_dasharray="5 3" if message.is_reply else None)
    )  # fmt: skip
    if message.is_lost:
        cross = f"M{end - 5:.1f} {arrow - 5:.1f}l10 10m0 -10l-10 10"
        parts.append(element("path", d=cross, stroke="var(--bad)", stroke_width=2.2, fill="none"))
    else:
        tip = f"M{end:.1f} {arrow:.1f}l{-towards * 8} -4v8z"
        parts.append(element("path", class_="ink", d=tip))
    return parts, arrow + 22


def _own(said: str, x: float, gap: float, y: float) -> tuple[list[str], float]:
    is_last = x + gap > _WIDTH - _MARGIN + 1
    lines = wrap(said, gap - 34)
    height = max(13 * len(lines), 14)
    side = -1 if is_last else 1
    path = f"M{x:.1f} {y - 6:.1f}h{side * 14}v{height}h{-side * 12}"
    tip = f"M{x + side * 2:.1f} {y - 6 + height:.1f}l{side * 8} -4v8z"
    parts = [
        element("path", class_="life", d=path, stroke_width=1.4),
        element("path", class_="ink", d=tip),
        *(
            text(x + side * 20, y + 2 + 13 * number, part, "num" if side > 0 else "num end",
                 paint_order="stroke", stroke="var(--bg)", stroke_width=3)
            for number, part in enumerate(lines)
        ),
    ]  # fmt: skip
    return parts, y + height + 16


def _box(said: str, x: float, y: float, *, is_break: bool) -> tuple[list[str], float]:
    size = 12.4 if is_break else 11.0  # bold text is wider
    lines = wrap(said, 270 if is_break else 200, size)
    width = max(text_width(part, size) for part in lines) + (34 if is_break else 18)
    height = 14 * len(lines) + 8
    left = min(max(x - width / 2, 10), _WIDTH - 10 - width)
    top = y - 12
    inset = 25 if is_break else 9
    box = element(
        "rect",
        class_="ring open" if is_break else "life band",
        x=left,
        y=top,
        width=width,
        height=height,
        rx=4,
        style="fill:var(--bg)" if is_break else "fill:var(--band)",
    )
    parts = [box]
    if is_break:
        middle = top + height / 2
        cross = f"M{left + 8:.1f} {middle - 5:.1f}l10 10m0 -10l-10 10"
        parts.append(element("path", d=cross, stroke="var(--bad)", stroke_width=2.4, fill="none"))
    colour = "bad strong num" if is_break else "num soft"
    parts += [
        text(left + inset, top + 16 + 14 * number, part, colour)
        for number, part in enumerate(lines)
    ]
    return parts, y + height + 12


def _told(moments: Sequence[Message | Note | Break]) -> list[str]:
    told = []
    for number, moment in enumerate(moments, 1):
        match moment:
            case Message():
                arrow = "-->" if moment.is_reply else "->"
                lost = " (lost)" if moment.is_lost else ""
                told.append(
                    f"{number}. {moment.sender} {arrow} {moment.receiver}: {moment.said}{lost}"
                )
            case Note():
                told.append(f"{number}. {moment.lane}: {moment.said}")
            case Break():
                told.append(f"{number}. ✗ {moment.lane}: {moment.said}")
    return told
