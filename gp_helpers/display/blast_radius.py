"""Whom somebody else's refusal reaches: innocent requests over time, the circuit breaker behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gp_helpers.display.svg import Svg, element, figure, group, shorten, text, wrap
from gp_helpers.display.wording import line
from gp_helpers.history import Entry, History, Kind

_WIDTH = 940.0
_LEFT = 110.0
_ROW = 28.0
_TOP = 84.0
NONE = "none"
"""The platform says how it asks the auth service, and has no breaker there."""


@dataclass
class _Moment:
    """What innocent users asked at one time, and where the breakers stood afterwards."""

    when: str
    answers: dict[str, list[Entry]] = field(default_factory=dict)
    breaker: str | None = None
    """None: no reading says anything of a breaker."""


def _moments(history: History) -> list[_Moment]:
    found: dict[str, _Moment] = {}
    asked: dict[int, tuple[_Moment, str]] = {}
    current: _Moment | None = None
    for entry in history:
        if entry.kind is Kind.EXPECTED and "work" in entry.data:
            when = str(entry.data.get("when"))
            current = found.setdefault(when, _Moment(when))
            asked[entry.seq] = (current, str(entry.data["work"]))
            current.answers.setdefault(str(entry.data["work"]), [])
        elif entry.kind is Kind.DECISION and entry.data.get("work") in asked:
            moment, user = asked[entry.data["work"]]
            moment.answers[user].append(entry)
        elif entry.kind is Kind.READING and current is not None:
            current.breaker = _breaker(entry) or current.breaker
    return list(found.values())


def _breaker(reading: Entry) -> str | None:
    client: Any = reading.data.get("auth_client")
    if not isinstance(client, Mapping):
        return None
    breaker = client.get("breaker")
    return str(breaker.get("state")).replace("_", " ") if isinstance(breaker, Mapping) else NONE


def blast_radius(history: History) -> Svg:
    """A row a user, a column an occasion; a request that was lost is ringed."""
    moments = _moments(history)
    users = list(dict.fromkeys(user for moment in moments for user in moment.answers))
    if not users:
        nothing = "No request of an innocent user was recorded."
        return figure(_WIDTH, 50, nothing, "", [text(16, 30, nothing, "h")])
    column = (_WIDTH - _LEFT - 16) / len(moments)
    bottom = _TOP + _ROW * (len(users) + 1)
    parts: list[str] = []
    told: list[str] = []
    lost = asked = 0
    for number, moment in enumerate(moments):
        left = _LEFT + number * column
        parts += _head(moment, number, left, column, bottom)
        told.append(f"{moment.when}: breaker {moment.breaker or 'not read'}")
        for row, user in enumerate(users, 1):
            answers = moment.answers.get(user)
            if answers is None:
                continue
            asked += 1
            is_lost = not (answers and answers[-1].data.get("accepted"))
            lost += is_lost
            statuses = ", then ".join(str(one.data.get("status")) for one in answers) or "no answer"
            told.append(f"  {user}: {statuses}{' ◄ lost' if is_lost else ''}")
            parts += _cell(answers, statuses, left, column, _TOP + row * _ROW, is_lost)
    for row, name in enumerate(["breaker", *users]):
        style = "end strong" if row == 0 else "end"
        parts.append(text(_LEFT - 12, _TOP + row * _ROW + 18, shorten(name, _LEFT - 20), style))
    title = f"{lost or 'None'} of {asked} requests of innocent users {_were(lost)} lost"
    parts.insert(0, text(16, 26, title, "h"))
    legend = "filled: served, dashed: served after one retry, ringed: lost; with the statuses"
    parts.append(text(_LEFT, bottom + 18, legend, "small soft"))
    return figure(_WIDTH, bottom + 30, title, "\n".join(told), parts)


def _were(lost: int) -> str:
    return "was" if lost <= 1 else "were"


def _head(moment: _Moment, number: int, left: float, width: float, bottom: float) -> list[str]:
    parts = []
    if number % 2 == 0:
        parts.append(element("rect", class_="band", x=left, y=40, width=width, height=bottom - 40))
    for index, words in enumerate(wrap(moment.when, width - 10, 12.5)[:3]):
        parts.append(text(left + 6, 54 + 13 * index, words, "strong soft"))
    is_in_the_way = moment.breaker not in (None, NONE, "closed")
    style = "strong" if is_in_the_way else "small soft"
    parts.append(text(left + 6, _TOP + 18, moment.breaker or "not read", style))
    return parts


def _cell(
    answers: list[Entry], statuses: str, left: float, width: float, top: float, is_lost: bool
) -> list[str]:
    box = {"x": left + 6, "y": top + 5, "width": width - 12, "height": 17, "rx": 2}
    retried = len(answers) > 1 and not is_lost
    style = "hollow" if is_lost else "wait" if retried else "good"
    bar = element(
        "rect", class_=style, stroke_width=1.4, stroke_dasharray="3 2" if retried else None, **box
    )
    shown = group(line(answers[-1]) if answers else "no answer is on record", bar)
    if not is_lost:
        return [shown]
    ring = element("rect", class_="ring", x=left + 2, y=top + 2, width=width - 4, height=23, rx=5)
    return [shown, ring, text(left + 12, top + 18, shorten(statuses, width - 20), "small")]
