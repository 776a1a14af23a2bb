"""The types of what is read of ``environment.json``, which a stranger may have changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_TYPES: Mapping[str, tuple[type, ...]] = {
    "run": (str,),
    "environment": (str,),
    "expectation": (str,),
    "started": (str,),
    "selected": (list,),
    "trials": (int,),
    "success_threshold": (int, float),
    "expected": (dict,),
    "not_selected": (dict,),
    "workbook": (dict, type(None)),
    "ended": (dict, type(None)),
}
"""What is read of the environment, and as what."""


def ill_typed(environment: Mapping[str, Any]) -> Iterator[str]:
    """What in an environment file is not of its type, in words."""
    for key, types in _TYPES.items():
        value = environment.get(key)
        if key in environment and (isinstance(value, bool) or not isinstance(value, types)):
            yield f"{key} is {type(value).__name__}, not {types[0].__name__}"
    if any(not isinstance(one, str) for one in environment["selected"] or ()):
        yield "selected holds what is no name of a case"
    reason = (environment.get("ended") or {}).get("reason") if _has_end(environment) else None
    if not isinstance(reason, str | None):
        yield f"ended.reason is {type(reason).__name__}, not str"


def _has_end(environment: Mapping[str, Any]) -> bool:
    return isinstance(environment.get("ended"), dict)
