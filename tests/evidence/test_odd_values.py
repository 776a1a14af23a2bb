"""Whatever value stands where a run states something else: it is named, and nothing ends."""

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gp_helpers.evidence import Finalised, NotARunError, finalise, read_run, recheck
from gp_helpers.evidence.differences import printable
from tests.evidence.stories import CASE, loaded, rewrite

HISTORY = f"histories/{CASE}.trial.1.jsonl"
VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 1.5, 1e17, float("inf"), float("nan"), -1e300, 10**30, 10**400,
    "", "x", "\ud800", "\x00", "9999-12-31T23:59:59", [], {}, [[]], ["x"], {"a": 1},
)  # fmt: skip
Path_ = tuple[str | int, ...]


def told(place: Path) -> set[str]:
    return {str(one) for one in recheck(place).differences}


@pytest.mark.parametrize(
    ("line", "found", "instead", "named"),
    [
        (6, '"t":', '"t":1e999,"was":', "its t is no number of seconds from 0 to 1e+09"),
        (6, '"t":', '"t":1e17,"was":', "its t is no number of seconds from 0 to 1e+09"),
        (6, '"t":', '"t":NaN,"was":', "its t is no number of seconds from 0 to 1e+09"),
        (6, '"seq":5', '"seq":1e999', "its seq is no whole number"),
        (6, '"seq":5', '"seq":5.0', "its seq is no whole number"),
        (4, '"headers":', '"headers":1.5,"was":', "its headers are no list"),
        (5, '"ms":3.25', '"ms":1e999', "its ms is no number from 0 to 1e+12"),
        (5, '"request":3', '"request":[3]', "its request is no whole number"),
    ],
)
def test_a_value_that_nobody_can_count_with_is_named_with_its_line(
    line: int, found: str, instead: str, named: str, final: Finalised
) -> None:
    def change(lines: list[str]) -> list[str]:
        changed = lines[line - 1].replace(found, instead, 1)
        assert changed != lines[line - 1]
        return [*lines[: line - 1], changed, *lines[line:]]

    rewrite(final.path / HISTORY, change)
    assert f"{HISTORY}, line {line}: not a history entry: {named}" in told(final.path)
    reported = finalise(final.path)
    assert reported.verdicts["cases"][0]["outcome"] == "error"
    assert f"line {line}: not a history entry: {named}" in reported.verdicts["cases"][0]["reason"]


@pytest.mark.parametrize("wall", ["9999-12-31T23:59:59+00:00", "9999-12-31T23:59:59", "soon", 3])
def test_a_beginning_that_cannot_be_counted_from_ends_nothing(wall: Any, final: Finalised) -> None:
    def change(lines: list[str]) -> list[str]:
        header = json.loads(lines[0])
        header["data"]["wall"] = wall
        return [json.dumps(header, separators=(",", ":")) + "\n", *lines[1:]]

    rewrite(final.path / HISTORY, change)
    assert f"{HISTORY}, line 1: this line was changed" in told(final.path)
    assert recheck(finalise(final.path).path).holds


@pytest.mark.parametrize("depth", range(900, 1000, 3))
def test_what_is_nested_as_deep_as_can_be_read_ends_nothing(depth: int, final: Finalised) -> None:
    nested = "[" * depth + "]" * depth

    def change(lines: list[str]) -> list[str]:
        return [line.replace('"body":{"answer":42}', f'"body":{nested}') for line in lines]

    rewrite(final.path / HISTORY, change)
    stated = final.path / f"verdicts/{CASE}.json"
    stated.parent.mkdir()
    stated.write_text(f'{{"outcome": "error", "reason": {nested}}}')
    files = {one.file for one in recheck(final.path).differences}
    assert files > {HISTORY, f"verdicts/{CASE}.json"}


ENVIRONMENTS: dict[str, dict[str, Any]] = {
    "not_selected holds a reason that is no text": {"not_selected": {"auth.timing": None}},
    f"expected.{CASE} does not list findings by their codes": {
        "expected": {CASE: {"outcome": "fail", "findings": [{"code": 1}]}}
    },
    f"expected.{CASE} is no outcome": {"expected": {CASE: {"outcome": "good", "findings": []}}},
    "success_threshold is no number that can be counted with": {"success_threshold": 1e999},
    "trials is no number that can be counted with": {"trials": 10**400},
    "parameters.target is str, not dict": {"parameters": {"target": "x"}},
    "workbook.revision is int, not dict": {"workbook": {"revision": 3}},
}


@pytest.mark.parametrize("named", ENVIRONMENTS)
def test_what_an_environment_states_in_another_form_is_named_by_every_reader(
    named: str, final: Finalised
) -> None:
    path = final.path / "environment.json"
    path.write_text(json.dumps(loaded(path) | ENVIRONMENTS[named]))
    assert f"environment.json: damaged: {named}" in told(final.path)
    for reader in (finalise, read_run):
        with pytest.raises(NotARunError, match=r"environment\.json") as refused:
            reader(final.path)
        assert named in str(refused.value)


@pytest.mark.parametrize("key", ["run", "environment", "expectation", "started", "selected"])
def test_an_environment_that_lacks_what_every_run_states_is_named(
    key: str, final: Finalised
) -> None:
    path = final.path / "environment.json"
    path.write_text(json.dumps({k: v for k, v in loaded(path).items() if k != key}))
    assert f"environment.json: damaged: {key} is missing" in told(final.path)
    with pytest.raises(NotARunError, match=f"{key} is missing"):
        finalise(final.path)


@pytest.mark.parametrize("count", [None, float("inf"), "x", [], -1])
@pytest.mark.parametrize("key", ["count", "lines_per_mark", "marks"])
def test_line_marks_that_are_none_are_said_to_be(key: str, count: Any, final: Finalised) -> None:
    path = final.path / "manifest.json"
    manifest = loaded(path)
    manifest["files"][HISTORY]["lines"] |= {"lines_per_mark": 2, key: count}
    path.write_text(json.dumps(manifest))
    rewrite(final.path / HISTORY, lambda lines: lines[:-1])
    assert any(one.startswith(HISTORY) for one in told(final.path))


def places(value: Any, path: Path_ = ()) -> Iterator[Path_]:
    """The way to every value in a JSON value, itself included."""
    yield path
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(inner, (*path, key))


def mutated(value: Any, source: random.Random) -> Any:
    """The value with another one at one of its places; a number may come in another notation."""
    path = source.choice([*places(value)])
    instead = source.choice(VALUES)
    if not path:
        return instead
    changed = place = copy.deepcopy(value)
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = instead
    return changed


NAMES = ("environment.json", "verdicts.json", "manifest.json", HISTORY,
         f"histories/{CASE}.contrast.1.jsonl")  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_any_value_anywhere_is_a_difference_and_no_traceback(name: str, final: Finalised) -> None:
    source = random.Random(f"values in {name}")
    path = final.path / name
    whole = path.read_text(encoding="utf-8")
    for _ in range(120):
        if path.suffix == ".jsonl":
            lines = whole.splitlines()
            at = source.randrange(len(lines))
            lines[at] = json.dumps(mutated(json.loads(lines[at]), source), separators=(",", ":"))
            path.write_text("\n".join([*lines, ""]), encoding="utf-8")
        else:
            path.write_text(json.dumps(mutated(json.loads(whole), source)), encoding="utf-8")
        found = recheck(final.path).differences
        assert name in {one.file for one in found}, path.read_text()
        assert all(printable(str(one)) == str(one) for one in found)


@pytest.mark.parametrize("name", ["environment.json", HISTORY])
def test_any_byte_of_a_number_anywhere_is_a_difference_and_no_traceback(
    name: str, final: Finalised
) -> None:
    source = random.Random(f"bytes in {name}")
    path = final.path / name
    whole = path.read_bytes()
    digits = [at for at, byte in enumerate(whole) if byte in b"0123456789.-"]
    for _ in range(120):
        changed = bytearray(whole)
        changed[source.choice(digits)] = source.choice(b'eE-+.,9[{"nN')
        if changed == whole:
            continue
        path.write_bytes(changed)
        assert name in {one.file for one in recheck(final.path).differences}
