"""Keeps an import that nobody here needs from costing more than all others together.

``nbformat`` imports ``jsonschema``, whose check of IRI formats compiles a grammar when it is
imported: 1.4 s of 2.3 s. Notebook schemas use no such format, and jsonschema goes without.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

_SLOW_AND_OPTIONAL = "rfc3987_syntax"


@contextmanager
def without_slow_formats() -> Iterator[None]:
    """While it holds, importing jsonschema does not load its grammar; afterwards all is as was."""
    if _SLOW_AND_OPTIONAL in sys.modules:
        yield
        return
    sys.modules[_SLOW_AND_OPTIONAL] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[_SLOW_AND_OPTIONAL]
