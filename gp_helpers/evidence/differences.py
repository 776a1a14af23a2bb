"""What a re-check found to differ, and where; and in which members recorded verdicts do.

Names and values may be a stranger's, so that nothing in them reaches a terminal as a command.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson

from gp_helpers.evidence.reading import VERDICTS_FILE
from gp_helpers.history import may_have_long_numbers


class DifferenceKind(StrEnum):
    """What sort of thing differs."""

    FILE = "file"
    """A file is not what the manifest says."""
    HISTORY = "history"
    """A history cannot be read as one."""
    VERDICT = "verdict"
    """A recorded verdict does not follow from the histories."""
    STATED = "stated"
    """What a run states of itself does not follow from its parameters."""
    DERIVED = "derived"
    """Another file that follows from the histories does not."""
    DIGEST = "digest"
    """The root digest is not the one that was expected."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs, and where."""

    kind: DifferenceKind
    file: str
    line: str | None
    description: str

    def __str__(self) -> str:
        where = f"{self.file}, line {self.line}" if self.line else self.file
        return printable(f"{where}: {self.description}")


def verdict_differences(recorded: bytes | None, derived: Mapping[str, Any]) -> Iterator[Difference]:
    """In what recorded verdicts differ from those that were derived again."""

    if recorded is None:
        yield _in_verdicts("missing: there are no recorded verdicts to compare with")
    elif not _says_the_same(recorded, derived):
        try:
            yield from _compared(recorded, derived)
        except RecursionError:
            yield _in_verdicts("nested too deep to be compared")


def _in_verdicts(description: str) -> Difference:
    return Difference(DifferenceKind.VERDICT, VERDICTS_FILE, None, description)


def _compared(recorded: bytes, derived: Mapping[str, Any]) -> Iterator[Difference]:
    try:
        said = json.loads(recorded)
        cases = {case["case"]: case for case in said["cases"]}
    except (ValueError, KeyError, TypeError) as error:
        yield _in_verdicts(f"cannot be read: {type(error).__name__}: {error}")
        return
    again = {case["case"]: case for case in json.loads(json.dumps(derived["cases"]))}
    for case_id in [*again, *(case for case in cases if case not in again)]:
        before, now = cases.get(case_id), again.get(case_id)
        if before is None or now is None:
            yield _in_verdicts(f"{case_id}: {'not recorded' if now else 'recorded, not derived'}")
            continue
        for path, old, new in _members(before, now):
            yield _in_verdicts(f"{case_id}: {path} is recorded as {old}, the histories say {new}")
    rest = {key: value for key, value in said.items() if key != "cases"}
    derived_rest = {key: value for key, value in derived.items() if key != "cases"}
    for path, old, new in _members(rest, json.loads(json.dumps(derived_rest))):
        yield _in_verdicts(f"{path} is recorded as {old}, derived was {new}")


def _says_the_same(recorded: bytes, derived: Mapping[str, Any]) -> bool:
    """Whether recorded verdicts are these to the last member; False where that takes a closer look.

    Equal values may be of different types, and equal texts may stand for ``NaN`` and nothing.
    """
    if may_have_long_numbers(recorded):
        return False
    try:
        said = orjson.loads(recorded)
        return bool(said == derived) and orjson.dumps(said) == orjson.dumps(derived)
    except (TypeError, ValueError, RecursionError):
        return False


def _members(before: Any, now: Any, path: str = "") -> Iterator[tuple[str, str, str]]:
    """Path, recorded and derived value of everything in which two JSON values differ."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in [*now, *(key for key in before if key not in now)]:
            inner = f"{path}.{key}" if path else str(key)
            if key not in before or key not in now:
                yield inner, short(before.get(key)), short(now.get(key))
            else:
                yield from _members(before[key], now[key], inner)
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for at, (old, new) in enumerate(zip(before, now, strict=True)):
            yield from _members(old, new, f"{path}[{at}]")
    elif not _is_the_same(before, now):
        yield path, short(before), short(now)


def _is_the_same(before: Any, now: Any) -> bool:
    if type(before) is not type(now):
        return False
    if isinstance(before, float):
        return math.isclose(before, now, rel_tol=1e-9)
    return bool(before == now)


def short(value: Any) -> str:
    """A JSON value in a line."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:77]}..."


def printable(text: str) -> str:
    """A text with everything escaped that a terminal would act on."""
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in text
    )
