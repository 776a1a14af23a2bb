"""An executed notebook as one HTML page that needs nothing from elsewhere.

nbconvert's ``basic`` template gives the cells; the page around them is ours. Scripts are taken out,
links to elsewhere become text, and a policy in the page forbids everything that is not in it.
"""

from __future__ import annotations

import html
import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from gp_helpers.evidence.page import page

_DROPPED = frozenset({"script", "iframe", "object", "embed", "link", "meta", "base", "form"})
_VOID = frozenset(
    {"area", "br", "col", "embed", "hr", "img", "input", "link", "meta", "base", "wbr"}
)
_ELSEWHERE = re.compile(r"\s*(?:[a-z][a-z0-9+.-]*:|//)", re.IGNORECASE)
_IN_STYLE = re.compile(r"@import[^;]*;?|url\(\s*['\"]?(?!data:|#)[^)]*\)", re.IGNORECASE)


@cache
def _exporter() -> Any:
    import nbconvert  # takes a second to import

    make: Any = nbconvert.HTMLExporter
    exporter = make(template_name="basic")
    exporter.embed_images = False
    return exporter


def notebook_html(path: Path, *, title: str) -> str:
    """The page of an executed notebook; raises ``ValueError`` if it cannot be read as one."""
    import nbformat

    try:
        notebook = nbformat.read(path, as_version=4)
        body, _ = _exporter().from_notebook_node(notebook)
    except Exception as error:  # nbformat and nbconvert raise what their parts raise
        raise ValueError(f"{path.name}: {type(error).__name__}: {error}") from error
    return page(title, f'<main class="notebook">{self_contained(body)}</main>')


def self_contained(body: str) -> str:
    """HTML without scripts and without anything that a browser would fetch or follow elsewhere."""
    cleaner = _Cleaner()
    cleaner.feed(body)
    cleaner.close()
    return "".join(cleaner.parts)


class _Cleaner(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.parts: list[str] = []
        self._dropping: list[str] = []
        self._link: str | None = None
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _DROPPED:
            if tag not in _VOID:
                self._dropping.append(tag)
            return
        if self._dropping:
            return
        self._in_style = tag == "style"
        shown = []
        for name, value in attrs:
            kept = self._attribute(tag, name, value)
            if kept is not None:
                shown.append(kept)
        self.parts.append(f"<{tag}{''.join(shown)}>")

    def _attribute(self, tag: str, name: str, value: str | None) -> str | None:
        if name.startswith("on") or name in ("srcset", "ping", "background", "formaction"):
            return None
        if value is None:
            return f" {name}"
        if name == "style":
            value = _IN_STYLE.sub("", value)
        elif name in ("src", "href", "xlink:href", "action", "data", "poster"):
            if tag == "a" and name == "href" and _ELSEWHERE.match(value):
                self._link = value
                return None
            if value.endswith(".ipynb") and not _ELSEWHERE.match(value):
                value = f"{value.removesuffix('.ipynb')}.html"
            elif _ELSEWHERE.match(value) and not value.startswith("data:image/"):
                return None
        return f' {name}="{html.escape(value)}"'

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _DROPPED or self._dropping:
            return
        shown = [kept for name, value in attrs if (kept := self._attribute(tag, name, value))]
        self.parts.append(f"<{tag}{''.join(shown)}/>")

    def handle_endtag(self, tag: str) -> None:
        if self._dropping:
            if tag == self._dropping[-1]:
                self._dropping.pop()
            return
        if tag in _DROPPED:
            return
        if tag == "a" and self._link is not None:
            link, self._link = self._link, None
            self.parts.append(f' <span class="elsewhere">({html.escape(link)})</span>')
        self._in_style = False
        self.parts.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if not self._dropping:
            self.parts.append(_IN_STYLE.sub("", data) if self._in_style else data)

    def handle_entityref(self, name: str) -> None:
        if not self._dropping:
            self.parts.append(f"&{name};")

    def handle_charref(self, name: str) -> None:
        if not self._dropping:
            self.parts.append(f"&#{name};")
