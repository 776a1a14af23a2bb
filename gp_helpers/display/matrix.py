"""Who decided what about the same thing: a row a token or message, a column a decider."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from gp_helpers.display.card import entry_details
from gp_helpers.display.html import Html, details, tag, text_table
from gp_helpers.display.wording import grounds
from gp_helpers.history import Entry, History, Kind

_SIGNS: Mapping[bool | None, str] = {True: "✓", False: "✗", None: "?"}


@dataclass(frozen=True, slots=True)
class _Cell:
    entry: Entry
    said: str
    is_off: bool


def _known(history: History) -> dict[str, Mapping[str, Any]]:
    """What the case knows to be right, by the name of the token or message."""
    known: dict[str, Mapping[str, Any]] = {}
    for entry in history.of(Kind.EXPECTED):
        if "token_about" in entry.data:
            known[str(entry.data["token_about"])] = entry.data
        for name, agent in (entry.data.get("right_agents") or {}).items():
            known[str(name)] = {"agent": agent}
    return known


def _is_off(entry: Entry, row: Iterable[Entry], known: Mapping[str, Any] | None) -> bool:
    """Whether a decision contradicts what is right or, where nobody knows, another decision."""
    data = entry.data
    if known is None:
        return any(
            other.data.get("accepted") is not data.get("accepted")
            or other.data.get("agent") != data.get("agent")
            for other in row
        )
    if "agent" in known:
        return bool(data.get("agent") != known["agent"])
    if known.get("accepted") is None:
        return False
    if data.get("accepted") is not known["accepted"]:
        return True
    identity, subject = data.get("identity"), known.get("subject")
    named = bool(data.get("accepted")) and identity is not None and subject is not None
    return bool(named and identity != subject)


def _said(entry: Entry, history: History) -> str:
    data = entry.data
    if data.get("agent") is not None:
        return str(data["agent"])
    said = _SIGNS[data.get("accepted")]
    statuses = [
        one.data["status"] for one in grounds(history, (entry.seq,)) if one.data.get("status")
    ]
    if statuses:
        said += f" {statuses[0]}"
    if data.get("accepted") and data.get("identity_label"):
        said += f" {data['identity_label']}"
    return said


@dataclass(frozen=True, slots=True)
class _Row:
    about: str
    right: str | None
    """What is right, where it is not plain from the decisions themselves."""
    cells: Mapping[str, _Cell]

    @property
    def is_off(self) -> bool:
        return any(cell.is_off for cell in self.cells.values())


def _rows(history: History, step: str | None) -> list[_Row]:
    decisions: dict[str, dict[str, Entry]] = {}
    for entry in history.of(Kind.DECISION, step=step):
        if entry.step != "components":
            row = decisions.setdefault(str(entry.data.get("about")), {})
            row[str(entry.data.get("decider"))] = entry
    known = _known(history)
    rows = []
    for about, row in decisions.items():
        right = known.get(about)
        cells = {
            decider: _Cell(entry, _said(entry, history), _is_off(entry, row.values(), right))
            for decider, entry in row.items()
        }
        message = next(iter(row.values())).data.get("message")
        named = str(right["agent"]) if right is not None and "agent" in right else None
        rows.append(_Row(str(message or about).replace("_", " "), named, cells))
    return sorted(rows, key=lambda row: not row.is_off)


def decision_matrix(
    history: History,
    *,
    title: str = "Who accepts which token",
    step: str | None = None,
    limit: int = 30,
) -> Html:
    """The last decision of each decider about each thing, wrong ones first and marked.

    Each cell expands to the exchange that it was read from; what is beyond ``limit`` can be
    expanded.
    """
    rows = _rows(history, step)
    deciders = list(dict.fromkeys(decider for row in rows for decider in row.cells))
    has_right = any(row.right is not None for row in rows)
    columns = [*(["right"] if has_right else []), *deciders]
    off = sum(cell.is_off for row in rows for cell in row.cells.values())
    heading = f"{title}: {off or 'no'} wrong decision{'s' if off != 1 else ''}"
    told = [
        [
            row.about,
            *([row.right or "–"] if has_right else []),
            *(_told(row.cells.get(decider)) for decider in deciders),
        ]
        for row in rows
    ]
    text = text_table(["", *columns], told[:limit]) if rows else "(no decisions)"
    head = tag("tr", tag("th", ""), *(tag("th", escape(name), scope="col") for name in columns))
    lines = [
        tag(
            "tr",
            tag("th", escape(row.about), scope="row"),
            tag("td", escape(row.right or "–")) if has_right else "",
            *(_markup(row.cells.get(decider), history) for decider in deciders),
        )
        for row in rows
    ]
    body = tag("table", tag("thead", head), tag("tbody", *lines[:limit]))
    if len(rows) > limit:
        more = f"and {len(rows) - limit} more"
        text += f"\n… {more}"
        rest = tag("table", tag("thead", head), tag("tbody", *lines[limit:]))
        body += details(more, rest)
    return Html(tag("p", escape(heading), class_="t") + body, f"{heading}\n{text}")


def _told(cell: _Cell | None) -> str:
    if cell is None:
        return "–"
    return f"{cell.said} ◄" if cell.is_off else cell.said


def _markup(cell: _Cell | None, history: History) -> str:
    if cell is None:
        return tag("td", "–")
    basis = [
        entry
        for number in cell.entry.data.get("rests_on") or ()
        for entry in history.about(history.entries[number].subject)
    ]
    said = escape(cell.said)
    summary = f'<span class="bad">{said} ◄</span>' if cell.is_off else said
    if not basis:
        return tag("td", summary, class_="off" if cell.is_off else None)
    inside = "".join(entry_details(entry) for entry in basis[:6])
    return tag("td", details(summary, inside), class_="off" if cell.is_off else None)
