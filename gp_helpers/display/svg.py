"""SVG by hand: elements as strings, one stylesheet for all figures, widths of text by estimate.

A figure carries its own background and both colour schemes, because notebooks show it as an image,
reports inline, and neither tells it what stands around it. Meaning never rests on colour alone.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import Any

STYLE = """
.gp{--bg:#fff;--ink:#1b1f24;--soft:#57606a;--line:#8c959f;--faint:#d0d7de;--band:#f3f5f7;
--good:#0072b2;--bad:#b83a00;--wait:#7a5195;
font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
@media(prefers-color-scheme:dark){.gp{--bg:#14181d;--ink:#e6edf3;--soft:#9aa4af;--line:#77818c;
--faint:#343b44;--band:#1b2128;--good:#63b8ee;--bad:#ff9259;--wait:#c9a0e6}}
.gp text{fill:var(--ink);font-size:11px}.gp .h{font-size:14px;font-weight:600}
.gp .soft{fill:var(--soft)}.gp .bad{fill:var(--bad)}.gp .strong{font-weight:600}
.gp .small{font-size:9.5px}.gp .mid{text-anchor:middle}.gp .end{text-anchor:end}
.gp .bg{fill:var(--bg)}.gp .band{fill:var(--band)}.gp .rule{stroke:var(--faint);fill:none}
.gp .life{stroke:var(--line);fill:none}.gp .good{stroke:var(--good);fill:var(--good)}
.gp .ink{stroke:var(--ink);fill:var(--ink)}.gp .open{fill:var(--bg)}
.gp .wait{stroke:var(--wait);fill:none}.gp .hollow{stroke:var(--ink);fill:var(--bg)}
.gp .ring{stroke:var(--bad);stroke-width:2.4;fill:none}.gp text.on{fill:var(--bg);stroke:none}
.gp text.num{stroke:none}
"""

_AVERAGE = 0.6
_WIDTHS = {
    **dict.fromkeys("ijlI|.,:;'! ", 0.31),
    **dict.fromkeys("frt()[]-/", 0.4),
    **dict.fromkeys("mwMW—@%○●↑◆◇⊘‡×+−…", 0.92),
    **dict.fromkeys("ABCDEFGHJKLNOPQRSTUVXYZ_", 0.7),
}


@lru_cache(maxsize=4096)
def text_width(text: str, size: float = 11.0) -> float:
    """About how many pixels a text takes in a sans-serif font; rather too many than too few."""
    return size * sum(_WIDTHS.get(character, _AVERAGE) for character in text)


def shorten(text: str, width: float, size: float = 11.0) -> str:
    """The text cut to a width, with an ellipsis where something was cut; empty if nothing fits."""
    if text_width(text, size) <= width:
        return text
    kept = text
    while kept and text_width(kept + "…", size) > width:
        kept = kept[:-1]
    return f"{kept.rstrip()}…" if len(kept) > 1 else ""


def wrap(text: str, width: float, size: float = 11.0) -> list[str]:
    """The text in lines that fit a width, broken between words where that is possible."""
    lines, line = [], ""
    for word in re.split(r"\s+", text.strip()):
        while text_width(word, size) > width:
            fitting = max(1, len(shorten(word, width, size)) - 1)
            if line:
                lines.append(line)
                line = ""
            lines.append(word[:fitting])
            word = word[fitting:]
        longer = f"{line} {word}".strip()
        if line and text_width(longer, size) > width:
            lines.append(line)
            line = word
        else:
            line = longer
    return [*lines, line] if line else lines


def on_one_line(markup: str) -> str:
    """The same markup with its line breaks as references, which mean the same.

    A notebook file stores each line of an output as a string of its own, and papermill writes the
    whole file twice a cell: lines of figures and sources were half of its processor time.
    """
    return markup.replace("\n", "&#10;")


_TEXT_LINES = 12
"""Beside a figure or a table, a notebook stores so much of its text."""


def beginning_of(text: str) -> str:
    """The first lines of what tells a view in words, and how to get the others."""
    lines = text.split("\n")
    if len(lines) <= _TEXT_LINES:
        return text
    left_out = len(lines) - _TEXT_LINES
    return "\n".join([*lines[:_TEXT_LINES], f"… {left_out} more lines: print() shows them"])


def element(tag: str, /, *children: str, **attributes: object) -> str:
    """An SVG element; ``class_`` is ``class``, other underscores become hyphens."""
    parts = [tag]
    for name, value in attributes.items():
        if value is None:
            continue
        shown = f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
        parts.append(f'{name.rstrip("_").replace("_", "-")}="{escape(shown)}"')
    opening = " ".join(parts)
    return f"<{opening}>{''.join(children)}</{tag}>" if children else f"<{opening}/>"


def text(x: float, y: float, content: str, class_: str | None = None, **attributes: object) -> str:
    """A line of text; the content is escaped."""
    return element("text", escape(content), x=x, y=y, class_=class_, **attributes)


def group(title: str, *children: str, **attributes: object) -> str:
    """A group with a tooltip."""
    return element("g", element("title", escape(title)), *children, **attributes)


@dataclass(frozen=True)
class Svg:
    """A figure: shown as SVG, told as text where nothing can be drawn."""

    svg: str
    text: str

    def _repr_svg_(self) -> str:
        return on_one_line(self.svg)

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        printer.text(beginning_of(self.text))

    def __repr__(self) -> str:
        return self.text


def figure(
    width: float, height: float, title: str, description: str, children: Iterable[str]
) -> Svg:
    """Put a figure together; ``title`` states the finding, ``description`` tells it in words."""
    body = "".join(children)
    name = f"gp-{hashlib.sha256((title + description + body).encode()).hexdigest()[:10]}"
    svg = element(
        "svg",
        element("title", escape(title), id=f"{name}-title"),
        element("desc", escape(description), id=f"{name}-desc"),
        element("style", STYLE.replace("\n", " ")),
        element("rect", class_="bg", width="100%", height="100%", rx=6),
        body,
        xmlns="http://www.w3.org/2000/svg",
        class_="gp",
        role="img",
        aria_labelledby=f"{name}-title {name}-desc",
        width=round(width),
        height=round(height),
        viewBox=f"0 0 {round(width)} {round(height)}",
        style="max-width:100%;height:auto",
    )
    return Svg(svg, f"{title}\n{description}")
