"""The source of the as-reported and the remediated component at a seam, as a coloured diff."""

from __future__ import annotations

import difflib
import inspect
import io
import keyword
import linecache
import tokenize
from collections.abc import Iterable
from functools import lru_cache
from html import escape
from importlib.util import find_spec

from gp_helpers.display.html import Html, details, tag
from gp_helpers.platform.defects.catalogue import CATALOGUE
from gp_helpers.platform.seams import SEAMS


@lru_cache(maxsize=256)
def source_of(import_string: str) -> str:
    """The source text of the class or function that ``module:name`` names.

    It stands at the margin of its module, which is read and not imported: the platform's modules
    bring libraries with them that nobody needs in order to look.

    Raises:
        LookupError: there is no such module, or nothing of that name is defined in it.
    """
    module, _, name = import_string.partition(":")
    lines = _lines_of(module)
    first = next((at for at, line in enumerate(lines) if _begins(line, name)), None)
    if first is None:
        raise LookupError(f"{module} defines no {name}")
    while first > 0 and lines[first - 1].startswith("@"):
        first -= 1
    return "".join(inspect.getblock(lines[first:]))


@lru_cache(maxsize=256)
def _lines_of(module: str) -> list[str]:
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise LookupError(f"there is no module {module}")
    return linecache.getlines(spec.origin)


def _begins(line: str, name: str) -> bool:
    return line.startswith(
        (f"class {name}:", f"class {name}(", f"def {name}(", f"async def {name}(")
    )


def _coloured(source: str) -> list[str]:
    """The lines of a Python source with keywords, strings and comments marked up."""
    lines = source.split("\n")
    found: list[list[tuple[int, int, str]]] = [[] for _ in lines]
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        colour = _class_of(token)
        if colour is None:
            continue
        for row in range(token.start[0] - 1, token.end[0]):
            first = token.start[1] if row == token.start[0] - 1 else 0
            last = token.end[1] if row == token.end[0] - 1 else len(lines[row])
            found[row].append((first, last, colour))
    return [_marked(line, spans) for line, spans in zip(lines, found, strict=True)]


def _marked(line: str, spans: list[tuple[int, int, str]]) -> str:
    parts, at = [], 0
    for first, last, colour in spans:
        parts.append(escape(line[at:first], quote=False))
        parts.append(tag("span", escape(line[first:last], quote=False), class_=colour))
        at = last
    return "".join([*parts, escape(line[at:], quote=False)])


def _class_of(token: tokenize.TokenInfo) -> str | None:
    if token.type == tokenize.NAME and keyword.iskeyword(token.string):
        return "k"
    return {tokenize.STRING: "q", tokenize.COMMENT: "c"}.get(token.type)


def source_diff(seam: str, as_reported: str, remediated: str) -> Html:
    """The two components at a seam as one diff: − as reported, + remediated."""
    old, new = source_of(as_reported).rstrip("\n"), source_of(remediated).rstrip("\n")
    old_lines, new_lines = old.split("\n"), new.split("\n")
    old_markup, new_markup = _coloured(old), _coloured(new)
    shown: list[str] = []
    told: list[str] = []
    matcher = difflib.SequenceMatcher(None, old_lines, new_lines, autojunk=False)
    for operation, i1, i2, j1, j2 in matcher.get_opcodes():
        if operation == "equal":
            told += [f"  {text}" for text in old_lines[i1:i2]]
            shown += [tag("span", f"  {markup}\n") for markup in old_markup[i1:i2]]
            continue
        told += [f"- {text}" for text in old_lines[i1:i2]]
        told += [f"+ {text}" for text in new_lines[j1:j2]]
        shown += [tag("span", f"- {m}\n", class_="del") for m in old_markup[i1:i2]]
        shown += [tag("span", f"+ {m}\n", class_="add") for m in new_markup[j1:j2]]
    heading = f"{seam}: {as_reported} (−) against {remediated} (+)"
    body = tag("p", tag("code", escape(heading))) + tag("pre", *shown)
    return Html(body, "\n".join([heading, *told]))


def defect_sources(defects: Iterable[str]) -> Html:
    """For each defect: what the gap is, its remedy, and the diff at each of its seams."""
    bodies: list[str] = []
    texts: list[str] = []
    for defect_id in sorted(defects):
        defect = CATALOGUE[defect_id]
        diffs = [
            source_diff(seam, component, SEAMS[seam].remediated)
            for seam, component in defect.components.items()
        ]
        seen = ", ".join(
            tag("a", escape(name), href=reference) for name, reference in defect.seen_in
        )
        bodies.append(
            details(
                f"<b>{escape(defect.title)}</b> <code>{escape(defect.id)}</code>",
                tag("p", escape(defect.mechanism)),
                tag("p", f"<b>Lever:</b> {escape(defect.lever)}"),
                tag("p", f"<b>On the wire:</b> {escape(defect.symptom)}"),
                tag("p", f"<b>Remedy:</b> {escape(defect.remedy)}"),
                tag("p", f"<b>Seen in public:</b> {seen}") if seen else "",
                *(diff.body for diff in diffs),
                is_open=True,
            )
        )
        told = [f"{defect.id}: {defect.title}", defect.mechanism, f"Remedy: {defect.remedy}"]
        texts.append("\n".join([*told, *(diff.text for diff in diffs)]))
    if not bodies:
        none = "No defect is on: every seam holds the remediated component."
        return Html(tag("p", none), none)
    return Html("".join(bodies), "\n\n".join(texts))
