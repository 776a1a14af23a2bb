"""An executed notebook as one HTML page that needs nothing from elsewhere.

nbconvert's ``basic`` template gives the cells; the page around them is ours. Scripts are taken out,
links to elsewhere become text, and a policy in the page forbids everything that is not in it.
"""

from __future__ import annotations

import base64
import html
import json
import re
import secrets
from functools import cache, lru_cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from gp_helpers.evidence.markup import data_uri
from gp_helpers.evidence.page import page

_DROPPED = frozenset({"script", "iframe", "object", "embed", "link", "meta", "base", "form"})
_VOID = frozenset(
    {"area", "br", "col", "embed", "hr", "img", "input", "link", "meta", "base", "wbr"}
)
_ELSEWHERE = re.compile(r"\s*(?:[a-z][a-z0-9+.-]*:|//)", re.IGNORECASE)
_CELLS_REMEMBERED = 1_000
"""Both environments of a run have the same cells: each text is highlighted and cleaned once."""
_IN_STYLE = re.compile(r"@import[^;]*;?|url\(\s*['\"]?(?!data:|#)[^)]*\)", re.IGNORECASE)


@cache
def _exporter() -> Any:
    from nbconvert import HTMLExporter  # takes a second to import

    class Exporter(HTMLExporter):
        def _preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
            # There is nothing to do before, but it would copy and validate the notebook twice.
            return nb, resources

    make: Any = Exporter
    # What the preprocessors do is not for executed notebooks, and after it all is read once more.
    exporter = make(template_name="basic", default_preprocessors=[])
    exporter.register_filter("clean_html", _cleaned)
    exporter.register_filter("markdown2html", _with_markdown_made_once(exporter))
    return exporter


@lru_cache(_CELLS_REMEMBERED)
def _cleaned(element: str) -> str:
    from nbconvert.filters import clean_html

    clean: Any = clean_html
    return str(clean(element))


@cache
def _highlighting(language: str) -> tuple[Any, Any]:
    """What colours a language: the lexer, plain text's for a language that nobody knows."""
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        lexer = get_lexer_by_name(language)
    except ClassNotFound:
        lexer = get_lexer_by_name("text")
    return lexer, HtmlFormatter(cssclass=html.escape(f"highlight hl-{language}"))


@lru_cache(_CELLS_REMEMBERED)
def _source_html(language: str, source: str) -> str:
    """A cell's source, coloured; the formatter escapes it, so there is nothing to clean."""
    from pygments import highlight

    return str(highlight(source or " ", *_highlighting(language)))


def _with_markdown_made_once(exporter: Any) -> Any:
    """The exporter's own filter, but for texts that it has had: attachments are not of the text."""
    from jinja2 import pass_context

    remembered = lru_cache(_CELLS_REMEMBERED)(
        lambda source: exporter.markdown2html({"cell": {}}, source)
    )

    @pass_context
    def filtered(context: Any, source: str) -> str:
        if context.get("cell", {}).get("attachments"):
            return str(exporter.markdown2html(context, source))
        return str(remembered(source))

    return filtered


def _cells(notebook: Any) -> str:
    """The cells of a notebook as self-contained HTML.

    What `HTMLExporter` does, but for its second reading of the whole page with Beautiful Soup,
    which takes as long again; what that adds (alternative texts), the cleaner adds here.
    """
    from nbconvert.exporters.templateexporter import TemplateExporter
    from nbconvert.filters.widgetsdatatypefilter import WidgetsDataTypeFilter

    exporter = _exporter()
    resources = exporter._init_resources({})
    language = notebook.metadata.get("language_info", {})
    lexer = language.get("pygments_lexer", language.get("name", "python"))
    make: Any = WidgetsDataTypeFilter
    sources: dict[str, str] = {}
    # No output can have it, and so none can pass for a source.
    mark = secrets.token_hex(16)

    def set_aside(source: str, **_: Any) -> str:
        place = f"{mark}-{len(sources)}-"
        sources[place] = _source_html(lexer, source)
        return place

    made: dict[str, Any] = {
        "highlight_code": set_aside,
        "filter_data_type": make(parent=exporter, notebook_metadata={}, resources=resources),
    }
    for name, filtering in made.items():
        exporter.register_filter(name, filtering)
    body, _ = TemplateExporter.from_notebook_node(exporter, notebook, resources)
    # What colours code is a tag for each word: a page is read without it, and gets it afterwards.
    return re.sub(f"{mark}-[0-9]+-", lambda place: sources[place[0]], self_contained(str(body)))


def notebook_html(path: Path, *, title: str) -> str:
    """The page of an executed notebook; raises ``ValueError`` if it cannot be read as one."""
    import nbformat

    try:
        text = path.read_text(encoding="utf-8")
        # A notebook of the current format is not validated: that takes as long as showing it.
        is_current = json.loads(text).get("nbformat") == nbformat.current_nbformat
        read: Any = nbformat.v4.reads if is_current else nbformat.reads
        body = _cells(read(text) if is_current else read(text, as_version=4))
    except Exception as error:  # nbformat and nbconvert raise what their parts raise
        raise ValueError(f"{path.name}: {type(error).__name__}: {error}") from error
    return page(title, f'<main class="notebook">{body}</main>')


def self_contained(body: str) -> str:
    """HTML without scripts and without anything that a browser would fetch or follow elsewhere."""
    cleaner = _Cleaner()
    # A reference is an event of its own for a reader, and notebooks have one for each line.
    cleaner.feed(body.replace("&#10;", "\n"))
    cleaner.close()
    return "".join(cleaner.parts)


_SVG_IN_BASE64 = "data:image/svg+xml;base64,"
_TITLE = re.compile(r"<title[^>]*>([^<]*)</title>")


def _with_what_the_figure_says(attrs: list[tuple[str, str | None]]) -> list[tuple[str, str | None]]:
    """The attributes of an image; an SVG's title becomes its alternative text."""
    known = dict(attrs)
    source = known.get("src") or ""
    if not source.startswith(_SVG_IN_BASE64):
        return attrs
    try:
        svg = base64.b64decode(source.removeprefix(_SVG_IN_BASE64), validate=True).decode("utf-8")
    except ValueError:
        return attrs
    known["src"] = data_uri(svg)
    if "alt" not in known and (title := _TITLE.search(svg)) is not None:
        known["alt"] = html.unescape(title[1])
    return list(known.items())


class _Cleaner(HTMLParser):
    """Writes down what it reads, without what a browser would run or fetch."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.parts: list[str] = []
        self._dropping: list[str] = []
        self._link: str | None = None
        self._in_style = False
        self._style_began = 0
        self._pre_depth = 0
        self._styles: set[str] = set()

    def updatepos(self, i: int, j: int) -> int:  # noqa: ARG002
        """Count no lines: nobody asks where something stood."""
        return j

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _DROPPED:
            if tag not in _VOID:
                self._dropping.append(tag)
            return
        if self._dropping:
            return
        self._in_style = tag == "style"
        self._style_began = len(self.parts)
        self._pre_depth += tag == "pre"
        if tag == "img":
            attrs = _with_what_the_figure_says(attrs)
        shown = []
        for name, value in attrs:
            kept = self._attribute(tag, name, value)
            if kept is not None:
                shown.append(kept)
        if tag == "img" and not any(name == "alt" for name, _ in attrs):
            shown.append(' alt="a figure without a description"')
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
        self.parts.append(f"</{tag}>")
        self._pre_depth -= tag == "pre"
        if tag == "style" and self._in_style:
            self._drop_a_style_that_is_there_already()
        self._in_style = False

    def _drop_a_style_that_is_there_already(self) -> None:
        """Each output of a notebook brings its style, as each may be cleared; a page needs one."""
        style = "".join(self.parts[self._style_began :])
        if style in self._styles:
            del self.parts[self._style_began :]
        self._styles.add(style)

    def handle_data(self, data: str) -> None:
        if self._dropping:
            return
        if self._in_style:
            data = _IN_STYLE.sub("", data)
        elif self._pre_depth == 0 and data.isspace():
            data = "\n" if "\n" in data else " "
        self.parts.append(data)

    def handle_entityref(self, name: str) -> None:
        if not self._dropping:
            self.parts.append(f"&{name};")

    def handle_charref(self, name: str) -> None:
        if not self._dropping:
            self.parts.append(f"&#{name};")
