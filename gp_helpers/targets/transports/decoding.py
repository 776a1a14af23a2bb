"""Decoding what a platform sends, as strictly as it has to be written down again.

A message is decoded only if it is JSON of RFC 8259 that can be stored, compared and shown: no
lone surrogates, no infinities, no nesting that breaks whoever walks through it.
"""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

MAX_DEPTH = 100
"""Deeper nesting is no message: everything that walks through one may use recursion."""


class UndecodableError(ValueError):
    """A text is not JSON that can be used; the message says why."""


def decoded_json(text: str) -> Any:
    """The value of a JSON text; raises `UndecodableError`."""
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise UndecodableError(f"nested deeper than {MAX_DEPTH}") from None
    except ValueError as error:
        raise UndecodableError(f"not JSON: {error}") from None
    _hold_usable(value)
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise UndecodableError(f"{name} is no JSON")


def _hold_usable(value: Any) -> None:
    waiting = [(value, 0)]
    while waiting:
        part, depth = waiting.pop()
        if isinstance(part, str):
            _hold_text(part)
        elif isinstance(part, float):
            if not math.isfinite(part):
                raise UndecodableError("a number is too large")
        elif isinstance(part, dict | list):
            if depth >= MAX_DEPTH:
                raise UndecodableError(f"nested deeper than {MAX_DEPTH}")
            waiting += [(inner, depth + 1) for inner in part]
            if isinstance(part, dict):
                waiting += [(inner, depth + 1) for inner in part.values()]


def _hold_text(text: str) -> None:
    if text.isascii():
        return
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UndecodableError("a lone surrogate is no text") from None
