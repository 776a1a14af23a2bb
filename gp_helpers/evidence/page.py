"""The page around all that a run shows as HTML: one file, no script, nothing from elsewhere."""

from __future__ import annotations

import html
from functools import cache
from importlib.resources import files

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""The browser itself holds that nothing is fetched and no script runs."""


@cache
def style() -> str:
    """The style of all pages."""
    return (files("gp_helpers.evidence") / "page.css").read_text(encoding="utf-8")


def page(title: str, body: str) -> str:
    """A whole page; ``body`` is HTML, ``title`` is text."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        f"<title>{html.escape(title)}</title>\n<style>\n{style()}</style>\n</head>\n"
        f"<body>\n{body}\n</body>\n</html>\n"
    )
