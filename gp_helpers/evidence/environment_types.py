"""The types of what is read of ``environment.json``, which a stranger may have changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gp_helpers.checkers import Outcome

_NOTHING = type(None)
_NEEDED = frozenset({"run", "environment", "expectation", "started", "selected"})
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
    "workbook": (dict, _NOTHING),
    "workbook.revision": (dict, _NOTHING),
    "ended": (dict, _NOTHING),
    "ended.reason": (str, _NOTHING),
    "platform": (dict, _NOTHING),
    "packages": (dict, _NOTHING),
    "cloud_run_rules": (dict, _NOTHING),
    "cloud_run_rules.not_verified": (list,),
    "parameters": (dict, _NOTHING),
    "parameters.target": (dict,),
}
"""What is read of the environment, and as what; a key after a dot is one of an object's."""
_MOST = 1e15


def ill_typed(environment: Any) -> Iterator[str]:
    """What in an environment file is missing or not of its type, in words."""
    if not isinstance(environment, dict):
        yield f"it is {type(environment).__name__}, not dict"
        return
    yield from (f"{key} is missing" for key in sorted(_NEEDED - environment.keys()))
    for path, types in _TYPES.items():
        top, _, inner = path.partition(".")
        within = environment.get(top) if inner else environment
        key = inner or top
        if isinstance(within, dict) and key in within:
            value = within[key]
            if isinstance(value, bool) or not isinstance(value, types):
                yield f"{path} is {type(value).__name__}, not {types[0].__name__}"
            elif isinstance(value, int | float) and not abs(value) < _MOST:
                yield f"{path} is no number that can be counted with"
    yield from _ill_typed_inside(environment)


def _ill_typed_inside(environment: Mapping[str, Any]) -> Iterator[str]:
    if not _are_texts(environment.get("selected")):
        yield "selected holds what is no name of a case"
    if not _are_texts(_values(environment.get("not_selected"))):
        yield "not_selected holds a reason that is no text"
    for case, stated in _members(environment.get("expected")):
        findings = stated.get("findings", []) if isinstance(stated, dict) else None
        if not isinstance(findings, list) or not _are_texts(findings):
            yield f"expected.{case} does not list findings by their codes"
        elif stated.get("outcome") not in (None, *Outcome):
            yield f"expected.{case} is no outcome"


def _members(value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, dict):
        yield from value.items()


def _values(value: Any) -> list[Any]:
    return [inner for _, inner in _members(value)]


def _are_texts(values: Any) -> bool:
    """Whether a list, if it is one, holds texts alone."""
    return not isinstance(values, list) or all(isinstance(one, str) for one in values)
