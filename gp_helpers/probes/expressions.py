"""JMESPath expressions of a target's description: what they find in what a target said."""

from __future__ import annotations

from typing import Any

import jmespath
from jmespath.visitor import TreeInterpreter

_INTERPRETER = TreeInterpreter()
"""Of all expressions: `jmespath.search` makes one each time, half of what a search costs."""


def search(expression: str | None, value: Any) -> Any:
    """What a JMESPath expression finds; None where it does not apply to this value."""
    if expression is None:
        return None
    try:
        return _INTERPRETER.visit(jmespath.compile(expression).parsed, value)
    except jmespath.exceptions.JMESPathError:
        return None


def matches(predicate: str | None, value: Any) -> bool:
    """Whether a predicate holds of a value."""
    return holds(search(predicate, value))


def holds(found: Any) -> bool:
    """What JMESPath takes for true: what is not false, null or empty."""
    return found is not None and found is not False and found not in ("", [], {})
