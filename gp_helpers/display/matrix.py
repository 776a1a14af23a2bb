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
    """What the case knows to be right about a token, by the token's name."""
    return {
        str(entry.data["token_about"]): entry.data
        for entry in history.of(Kind.EXPECTED)
        if "token_about" in entry.data
    }


def _is_off(entry: Entry, row: Iterable[Entry], known: Mapping[str, Any] | None) -> bool:
    """Whether a decision contradicts what is right or, where nobody knows, another decision."""
    data = entry.data
    if known is not None:
        if data.get("accepted") is not known.get("accepted"):
            return True
        identity, subject = data.get("identity"), known.get("subject")
        return (
            bool(data.get("accepted")) and None not in (identity, subject) and identity != subject
        )
    return any(
        other.data.get("accepted") is not data.get("accepted")
        or other.data.get("agent") != data.get("agent")
        for other in row
    )


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


def decision_matrix(
    history: History, *, title: str = "Who accepts which token", step: str | None = None
) -> Html:
    """The last decision of each decider about each thing, disagreements first and marked.

    Each cell expands to the exchange that it was read from.
    """
    decisions: dict[str, dict[str, Entry]] = {}
    deciders: dict[str, None] = {}
    for entry in history.of(Kind.DECISION, step=step):
        if entry.step == "components":
            continue
        deciders.setdefault(str(entry.data.get("decider")))
        decisions.setdefault(str(entry.data.get("about")), {})[str(entry.data.get("decider"))] = (
            entry
        )
    known = _known(history)
    rows: list[tuple[str, dict[str, _Cell]]] = []
    for about, row in decisions.items():
        cells = {
            decider: _Cell(
                entry, _said(entry, history), _is_off(entry, row.values(), known.get(about))
            )
            for decider, entry in row.items()
        }
        rows.append((about, cells))
    rows.sort(key=lambda pair: not any(cell.is_off for cell in pair[1].values()))
    off = sum(cell.is_off for _, cells in rows for cell in cells.values())
    heading = f"{title}: {off or 'no'} wrong decision{'s' if off != 1 else ''}"
    told = [[about, *(_told(cells.get(decider)) for decider in deciders)] for about, cells in rows]
    text = text_table(["", *deciders], told) if rows else "(no decisions)"
    head = tag("tr", tag("th", ""), *(tag("th", escape(name), scope="col") for name in deciders))
    lines = [
        tag(
            "tr",
            tag("th", escape(about.replace("_", " ")), scope="row"),
            *(_markup(cells.get(decider), history) for decider in deciders),
        )
        for about, cells in rows
    ]
    table = tag("table", tag("thead", head), tag("tbody", *lines))
    return Html(tag("p", escape(heading), class_="t") + table, f"{heading}\n{text}")


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
    inside = "".join(entry_details(entry) for entry in basis[:6])
    return tag("td", details(summary, inside), class_="off" if cell.is_off else None)
