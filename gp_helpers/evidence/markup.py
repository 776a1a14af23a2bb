"""Small pieces of HTML that the report is made of; every text is escaped here."""

from __future__ import annotations

import html
import re
import urllib.parse
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_SHOWN = {
    "pass": "✔ pass",
    "fail": "✘ fail",
    "inconclusive": "? inconclusive",
    "error": "! error",
    "held": "✔ held",
    "violated": "✘ violated",
    "unobserved": "? unobserved",
}
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")
_QUOTED = {code: urllib.parse.quote(chr(code), safe=" /;=,()!$*+@?~[]{}|^") for code in range(0x80)}
_CLASSES = {"held": "pass", "violated": "fail", "unobserved": "inconclusive"}


def text(value: Any) -> str:
    """A text as HTML."""
    return html.escape(str(value), quote=True)


def code(value: Any) -> str:
    """A word of the machine's."""
    return f"<code>{text(value)}</code>"


def finding(code_: str) -> str:
    """A finding code, which may break after its underscores."""
    return f'<div class="finding">{text(code_).replace("_", "_<wbr>")}</div>'


def badge(state: str, *, note: str = "") -> str:
    """A verdict or the state of a claim: sign, word and colour, so that none is needed alone."""
    shown = _SHOWN.get(state, state)
    return f'<span class="badge {tone(state)}">{text(shown)}{text(note)}</span>'


def tone(state: str) -> str:
    """The class of a verdict or of a claim's state."""
    return _CLASSES.get(state, state if state in _SHOWN else "none")


def link(file: str, label: str | None = None) -> str:
    """A link to a file of the run."""
    return f'<a href="{urllib.parse.quote(file)}">{text(label or file)}</a>'


def table(
    caption: str,
    heads: Sequence[str],
    rows: Iterable[str],
    *,
    numbers: frozenset[int] = frozenset(),
) -> str:
    """A table that scrolls sideways by keyboard too; ``rows`` are HTML, heads and caption text."""
    cells = "".join(
        f'<th scope="col"{_number(at in numbers)}>{text(head)}</th>'
        for at, head in enumerate(heads)
    )
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{text(caption)}"><table>'
        f"<caption>{text(caption)}</caption><thead><tr>{cells}</tr></thead>"
        f"{''.join(rows)}</table></div>"
    )


def row(head: str, *cells: str, numbers: frozenset[int] = frozenset()) -> str:
    """A row with its heading; everything is HTML. ``numbers`` counts from the cell behind it."""
    shown = "".join(f"<td{_number(at in numbers)}>{cell}</td>" for at, cell in enumerate(cells, 1))
    return f'<tr><th scope="row">{head}</th>{shown}</tr>'


def _number(is_number: bool) -> str:
    return ' class="number"' if is_number else ""


def pairs(values: Mapping[str, str]) -> str:
    """A list of terms and what they are; the values are HTML."""
    items = "".join(f"<dt>{text(term)}</dt><dd>{value}</dd>" for term, value in values.items())
    return f"<dl>{items}</dl>"


def data_uri(svg: str) -> str:
    """An SVG as an address that holds it."""
    flat = " ".join(svg.split("\n")).translate(_QUOTED)
    if not flat.isascii():
        flat = _NOT_ASCII.sub(lambda run: urllib.parse.quote(run[0]), flat)
    return f"data:image/svg+xml,{flat}"


def image(address: str, description: str) -> str:
    """An image inside the page: isolated from it, and nothing is fetched."""
    return f'<img alt="{text(description)}" src="{address}">'


def number(value: float | None, *, digits: int = 2) -> str:
    """A number for people; nothing for none."""
    return "" if value is None else f"{value:.{digits}f}"


def measure(value: Any) -> str:
    """A measured value: as many digits as say something."""
    if isinstance(value, float) and not value.is_integer():
        return f"{value:.4g}"
    return f"{value:g}" if isinstance(value, int | float) else str(value)
