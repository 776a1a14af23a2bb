"""Keeps imports that nobody here needs from costing more than all others together.

Both are optional for the module that imports them, which goes without:

- ``rfc3987_syntax`` compiles a grammar when ``jsonschema`` imports it to check IRIs, of which a
  notebook's schema has none: 1.4 of the 2.3 s that ``import nbformat`` takes;
- ``debugpy`` is most of the start of a warm kernel, and nobody debugs an unattended one.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

IRI_GRAMMAR = "rfc3987_syntax"
DEBUGGER = "debugpy"


@contextmanager
def without(module: str) -> Iterator[None]:
    """While it holds, importing ``module`` fails, unless it has been imported before."""
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[module]
