"""The queue of a trial: who waited, and at which turn each was served."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gp_helpers.display.svg import Svg, element, figure, group, shorten, text
from gp_helpers.history import History, Kind

_WIDTH = 820.0
_LEFT = 150.0
_RIGHT = _WIDTH - 30.0
_ROW = 24.0
_TOP = 56.0


@dataclass(frozen=True, slots=True)
class Place:
    """A request's place: the acts of the queue at which it came and was served."""

    label: str
    queued: int
    started: int

    @property
    def is_urgent(self) -> bool:
        """Whether the request asked to go first."""
        return self.label.startswith("high")


def places(history: History) -> list[Place]:
    """The place of every request that says so when it starts, in the order of their starts."""
    labels = {
        str(entry.data["question"]): str(entry.data.get("about"))
        for entry in history.of(Kind.EXPECTED)
        if "question" in entry.data
    }
    found = []
    for entry in history.of(Kind.WS_RECEIVED):
        message = entry.data.get("message")
        if "agent_started" not in (entry.data.get("events") or ()) or not isinstance(
            message, Mapping
        ):
            continue
        data = message.get("data")
        queue: Any = data.get("queue") if isinstance(data, Mapping) else None
        if isinstance(queue, Mapping) and {"queued", "started"} <= queue.keys():
            label = labels.get(str(entry.data.get("request_id")), "a request")
            found.append(Place(label, int(queue["queued"]), int(queue["started"])))
    return sorted(found, key=lambda place: place.started)


def overtaken(found: list[Place]) -> list[Place]:
    """Requests that were served before an urgent one, though they still waited when it came."""
    return [
        place
        for place in found
        if not place.is_urgent
        and any(one.is_urgent and one.queued < place.started < one.started for one in found)
    ]


def queue_timeline(history: History) -> Svg:
    """A row a request, from its arrival in the queue to its start, first served first."""
    found = places(history)
    if not found:
        nothing = "No request said when it was queued and started."
        return figure(_WIDTH, 50, nothing, "", [text(16, 30, nothing, "h")])
    wrong = overtaken(found)
    count = f"{len(wrong)} request{'s' if len(wrong) != 1 else ''}"
    title = (
        f"{count} that waited when the urgent one came started before it"
        if wrong
        else "The urgent request started before everything that waited"
    )
    last = max(place.started for place in found)
    step = (_RIGHT - _LEFT) / max(last, 1)
    parts = [text(16, 26, title, "h")]
    told = []
    for number, place in enumerate(found):
        top = _TOP + number * _ROW
        parts.append(_row(place, top, step, is_wrong=place in wrong))
        mark = " ◄ overtakes the urgent one" if place in wrong else ""
        told.append(
            f"{place.label}: queued as act {place.queued}, started as {place.started}{mark}"
        )
    bottom = _TOP + len(found) * _ROW
    for act in range(1, last + 1):
        if last <= 24 or act % 5 == 0:
            parts.append(text(_LEFT + act * step, bottom + 14, str(act), "small soft mid"))
    parts.append(
        text(_LEFT, bottom + 32, "acts of the queue, in order: ○ a request comes, ● it starts",
             "small soft")
    )  # fmt: skip
    return figure(_WIDTH, bottom + 44, title, "\n".join(told), parts)


def _row(place: Place, top: float, step: float, *, is_wrong: bool) -> str:
    middle = top + _ROW / 2
    left, right = _LEFT + place.queued * step, _LEFT + place.started * step
    colour = "end strong" if place.is_urgent else "end"
    parts = [
        text(_LEFT - 12, middle + 4, shorten(place.label, _LEFT - 24), colour),
        element(
            "line",
            class_="ink" if place.is_urgent else "life",
            x1=left,
            x2=right,
            y1=middle,
            y2=middle,
            stroke_width=5 if place.is_urgent else 2,
        ),
        element("circle", class_="hollow", cx=left, cy=middle, r=5, stroke_width=1.5),
        element("circle", class_="ink", cx=right, cy=middle, r=5),
    ]
    if is_wrong:
        parts.append(element("circle", class_="ring", cx=right, cy=middle, r=9))
    return group(f"{place.label}: queued {place.queued}, started {place.started}", *parts)
