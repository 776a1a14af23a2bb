"""HTML for notebooks: a fragment with its style, and the same thing told as text.

It takes ink and paper from the page around it, so that it reads in light and dark pages; where a
viewer strips the style, what is left is headings, tables and expandable details in good order.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from gp_helpers.display.svg import beginning_of, on_one_line

_LIGHT = "--gp-good:#005a8e;--gp-bad:#a83500;--gp-wait:#6a4187"
_DARK = "--gp-good:#63b8ee;--gp-bad:#ff9259;--gp-wait:#c9a0e6"

_LIGHT_CODE = "--gp-key:#0b4f8a;--gp-str:#7a4a00"
_DARK_CODE = "--gp-key:#7cc4ff;--gp-str:#e8b86b"

_STYLE = f"""<style>
.gph{{{_LIGHT};--gp-edge:rgba(128,128,128,.38);--gp-tint:rgba(128,128,128,.11);font-size:13px;
line-height:1.45;max-width:960px}}
@media(prefers-color-scheme:dark){{:root:not(:has([data-jp-theme-light])) .gph{{{_DARK}}}}}
[data-jp-theme-light="false"] .gph,.vscode-dark .gph{{{_DARK}}}
.gph table{{border-collapse:collapse;margin:.5em 0;font-size:12.5px}}
.gph th,.gph td{{border:1px solid var(--gp-edge);padding:3px 8px;text-align:left!important;
vertical-align:top;
white-space:normal}}
.gph th{{background:var(--gp-tint);font-weight:600}}.gph td.n{{text-align:right!important}}
.gph .t{{font-weight:600;font-size:14px;margin:.3em 0}}.gph .s{{opacity:.78}}
.gph .bad{{color:var(--gp-bad);font-weight:600}}.gph .good{{color:var(--gp-good);font-weight:600}}
.gph .wait{{color:var(--gp-wait);font-weight:600}}
.gph td.off{{outline:2px solid var(--gp-bad);outline-offset:-2px}}
.gph p{{margin:.35em 0}}
</style>"""
_MORE_STYLE = f"""<style>
.gph{{{_LIGHT_CODE}}}
@media(prefers-color-scheme:dark){{:root:not(:has([data-jp-theme-light])) .gph{{{_DARK_CODE}}}}}
[data-jp-theme-light="false"] .gph,.vscode-dark .gph{{{_DARK_CODE}}}
.gph .card{{border:1px solid var(--gp-edge);border-left:6px solid currentColor;border-radius:4px;
padding:8px 14px}}
.gph .card.fail{{border-left-color:var(--gp-bad)}}
.gph .card.pass{{border-left-color:var(--gp-good)}}
.gph .card.error,.gph .card.inconclusive{{border-left-color:var(--gp-wait)}}
.gph pre{{margin:.3em 0;padding:6px 9px;background:var(--gp-tint);overflow:auto;font-size:12px;
line-height:1.4}}
.gph pre,.gph pre *,.gph code{{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}}
.gph details>summary{{cursor:pointer}}.gph code{{font-size:12px}}
.gph .k{{color:var(--gp-key);font-weight:600}}.gph .q{{color:var(--gp-str)}}
.gph .c{{opacity:.75;font-style:italic}}
.gph .add{{background:rgba(0,114,178,.17)}}.gph .del{{background:rgba(213,94,0,.17)}}
.gph .pair{{display:flex;gap:14px;flex-wrap:wrap}}.gph .pair>div{{flex:1 1 380px;min-width:0}}
</style>"""


_NEEDS_MORE = re.compile(r'class="(?:card|pair)|<(?:pre|details|code)\b')


def style_of(body: str) -> str:
    """The style that a fragment needs; each output of a notebook brings its own."""
    style = _STYLE + _MORE_STYLE if _NEEDS_MORE.search(body) else _STYLE
    return style.replace("\n", " ")


@dataclass(frozen=True)
class Html:
    """A fragment: shown as HTML, told as text where HTML cannot be shown."""

    body: str
    text: str
    is_plain: bool = False
    """Needs no style: a line of prose."""

    def _repr_html_(self) -> str:
        if self.is_plain:
            return self.body
        return on_one_line(f'{style_of(self.body)}<div class="gph">{self.body}</div>')

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        printer.text(beginning_of(self.text))

    def __repr__(self) -> str:
        return self.text

    def __add__(self, other: Html) -> Html:
        return Html(self.body + other.body, f"{self.text}\n\n{other.text}")


def tag(name: str, *content: str, **attributes: object) -> str:
    """An HTML element around markup; ``class_`` is ``class``."""
    parts = "".join(
        f' {key.rstrip("_")}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{parts}>{''.join(content)}</{name}>"


def details(summary: str, *content: str, is_open: bool = False) -> str:
    """An expandable part; ``summary`` is markup."""
    opened = " open" if is_open else ""
    return f"<details{opened}><summary>{summary}</summary>{''.join(content)}</details>"


def pretty(value: Any) -> str:
    """JSON to be read, as an escaped block."""
    # Quotes are only to be escaped in attributes, and here they are a tenth of the text.
    return tag("pre", escape(json.dumps(value, ensure_ascii=False, indent=2), quote=False))


def plain(value: Any) -> str:
    """A cell's value in words: yes, no, a dash for nothing, short JSON for what is nested."""
    match value:
        case None:
            return "–"
        case True:
            return "yes"
        case False:
            return "no"
        case float():
            return f"{value:.4g}"
        case list() | tuple():
            return ", ".join(plain(item) for item in value) or "–"
        case Mapping():
            return ", ".join(f"{key} {plain(inner)}" for key, inner in value.items()) or "–"
        case _:
            return str(value)


def columns_of(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """The keys of all rows, in the order in which they first appear."""
    return list(dict.fromkeys(key for row in rows for key in row))


def text_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in plain text, columns aligned."""
    widths = [
        max(len(column), *(len(row[index]) for row in rows)) if rows else len(column)
        for index, column in enumerate(columns)
    ]
    lines = [columns, ["-" * width for width in widths], *rows]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def table(rows: Sequence[Mapping[str, Any]], *, title: str = "", limit: int = 40) -> Html:
    """Rows as a table; what is beyond ``limit`` can be expanded."""
    columns = columns_of(rows)
    told = [[plain(row.get(column)) for column in columns] for row in rows]
    heading = tag("p", escape(title), class_="t") if title else ""
    text = text_table(columns, told[:limit]) if rows else "(nothing)"
    if len(rows) > limit:
        text += f"\n… and {len(rows) - limit} more"
    body = heading + (_table_markup(columns, rows[:limit]) if rows else tag("p", "nothing"))
    if len(rows) > limit:
        rest = _table_markup(columns, rows[limit:])
        body += details(f"and {len(rows) - limit} more", rest)
    return Html(body, f"{title}\n{text}" if title else text)


def _table_markup(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    head = tag("tr", *(tag("th", escape(column), scope="col") for column in columns))
    body = []
    for row in rows:
        cells = []
        for column in columns:
            value = row.get(column)
            numeric = isinstance(value, int | float) and not isinstance(value, bool)
            cells.append(tag("td", escape(plain(value)), class_="n" if numeric else None))
        body.append(tag("tr", *cells))
    return tag("table", tag("thead", head), tag("tbody", *body))
