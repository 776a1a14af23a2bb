"""Each validator's decisions over the platform's own time, edge by edge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gp_helpers.display.svg import Svg, element, figure, group, shorten, text, wrap
from gp_helpers.display.wording import line
from gp_helpers.history import Entry, History, Kind

_WIDTH = 940.0
_LEFT = 150.0
_ROW = 28.0
_TOP = 86.0


@dataclass(frozen=True, slots=True)
class _Moment:
    """One showing of a token to everybody."""

    about: str
    expected: bool | None
    platform_s: float
    decisions: Mapping[str, Entry]


def _moments(history: History) -> list[_Moment]:
    known: dict[str, Any] = {}
    order: dict[str, dict[str, Entry]] = {}
    for entry in history:
        if entry.kind is Kind.EXPECTED and "token_about" in entry.data:
            known[str(entry.data["token_about"])] = entry.data.get("accepted")
            order.setdefault(str(entry.data["token_about"]), {})
        elif entry.kind is Kind.DECISION and str(entry.data.get("about")) in order:
            order[str(entry.data["about"])][str(entry.data.get("decider"))] = entry
    return [
        _Moment(about, known[about], _platform_time(decisions), decisions)
        for about, decisions in order.items()
        if decisions
    ]


def _platform_time(decisions: Mapping[str, Entry]) -> float:
    first = next(iter(decisions.values()))
    return first.t + float(first.data.get("offset_s") or 0.0)


def decision_gantt(history: History) -> Svg:
    """A row a validator, a column an edge; what contradicts the token's life is ringed."""
    moments = _moments(history)
    deciders = list(dict.fromkeys(name for moment in moments for name in moment.decisions))
    if not moments:
        nothing = "No decisions were recorded."
        return figure(_WIDTH, 50, nothing, "", [text(16, 30, nothing, "h")])
    column = (_WIDTH - _LEFT - 16) / len(moments)
    bottom = _TOP + _ROW * (len(deciders) + 1)
    parts: list[str] = []
    told: list[str] = []
    wrong = 0
    for number, moment in enumerate(moments):
        left = _LEFT + number * column
        parts += _column(moment, number, left, column, bottom)
        for row, decider in enumerate(deciders, 1):
            entry = moment.decisions.get(decider)
            if entry is None:
                continue
            accepted = entry.data.get("accepted")
            off = None not in (accepted, moment.expected) and accepted is not moment.expected
            wrong += off
            parts.append(_bar(entry, accepted, left, column, _TOP + row * _ROW, off))
            said = {True: "accepts", False: "refuses", None: "does not answer"}[accepted]
            told.append(f"{moment.about}: {decider} {said}{' ◄ wrong' if off else ''}")
    for row, name in enumerate(["what its life says", *deciders]):
        colour = "end strong" if row == 0 else "end"
        parts.append(text(_LEFT - 12, _TOP + row * _ROW + 18, shorten(name, _LEFT - 20), colour))
    contradict = "decision contradicts" if wrong == 1 else "decisions contradict"
    title = f"{wrong or 'No'} {contradict} the token's life, edge by edge"
    parts.insert(0, text(16, 26, title, "h"))
    parts.append(
        text(_LEFT, bottom + 32, "platform time in s since the trial began, clocks stepped; "
             "filled: accepted, hollow: refused, ringed: wrong", "small soft")
    )  # fmt: skip
    return figure(_WIDTH, bottom + 44, title, "\n".join(told), parts)


def _column(moment: _Moment, number: int, left: float, width: float, bottom: float) -> list[str]:
    parts = []
    if number % 2 == 0:
        parts.append(element("rect", class_="band", x=left, y=40, width=width, height=bottom - 40))
    for index, words in enumerate(wrap(moment.about, width - 10, 11.5)[:3]):
        parts.append(text(left + 6, 54 + 13 * index, words, "strong soft"))
    parts.append(text(left + 6, bottom + 15, f"{moment.platform_s:.1f} s", "small soft"))
    expected = {True: "good", False: "hollow"}.get(moment.expected)  # type: ignore[arg-type]
    if expected is None:
        parts.append(text(left + 8, _TOP + 18, "either is right", "small soft"))
    else:
        parts.append(
            element("rect", class_=expected, x=left + 6, y=_TOP + 12, width=width - 12, height=4)
        )
    return parts


def _bar(
    entry: Entry, accepted: bool | None, left: float, width: float, top: float, off: bool
) -> str:
    box = {"x": left + 6, "y": top + 7, "width": width - 12, "height": 13, "rx": 2}
    style = {True: "good", False: "hollow", None: "wait"}[accepted]
    dashes = "3 2" if accepted is None else None
    bar = element("rect", class_=style, stroke_width=1.4, stroke_dasharray=dashes, **box)
    if not off:
        return group(line(entry), bar)
    ring = element("rect", class_="ring", x=left + 2, y=top + 3, width=width - 4, height=21, rx=5)
    return group(line(entry), bar, ring)
