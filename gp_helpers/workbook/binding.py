"""The parameters that a notebook binds: read from its cells, held against the schema.

papermill only warns about a name that the notebook does not know; here it is an error that names
the cell and the line. A parameters cell says so in its first line, as papermill's own does.
"""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from gp_helpers.parameters import ParameterError, Parameters, validate

MARKER = "# Parameters of this notebook"
"""How the first line of a notebook's own parameters cell begins."""
INJECTED = "# Parameters"
"""The first line of the cell that papermill injects."""

Checked = TypeVar("Checked")
KNOWN = tuple(field.alias or name for name, field in Parameters.model_fields.items())


@dataclass(frozen=True, slots=True)
class Assignment:
    """A name that a parameters cell binds, and where."""

    name: str
    place: str


@dataclass
class _Cells:
    own: tuple[int, str] | None = None
    injected: list[tuple[int, str]] = field(default_factory=list)


def _parameter_cells(inputs: Sequence[str]) -> _Cells:
    """The notebook's own parameters cell as it was run last, and what was injected after it."""
    cells = _Cells()
    for number, source in enumerate(inputs):
        first = source.lstrip().partition("\n")[0].strip()
        if first.startswith(MARKER):
            cells = _Cells((number, source))
        elif first == INJECTED:
            cells.injected.append((number, source))
    return cells


def _assignments(number: int, source: str, kind: str) -> Iterator[Assignment]:
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return
    for statement in tree.body:
        targets: list[ast.expr] = []
        if isinstance(statement, ast.Assign):
            targets = statement.targets
        elif isinstance(statement, ast.AnnAssign):
            targets = [statement.target]
        for target in targets:
            if isinstance(target, ast.Name):
                yield Assignment(target.id, f"{kind} In [{number}], line {target.lineno}")


def assignments(inputs: Sequence[str]) -> list[Assignment]:
    """Everything that the parameters cells of a session bind, the notebook's own first."""
    cells = _parameter_cells(inputs)
    found: list[Assignment] = []
    if cells.own is not None:
        found += _assignments(*cells.own, "parameters cell")
    for number, source in cells.injected:
        found += _assignments(number, source, "injected parameters")
    return found


def read_parameters(namespace: Mapping[str, Any]) -> Parameters:
    """The parameters that a notebook's namespace holds; `ParameterError` names cell and line."""
    return read_bound(namespace, KNOWN, validate)


def read_bound(
    namespace: Mapping[str, Any], known: Sequence[str], check: Callable[..., Checked]
) -> Checked:
    """What a notebook binds of the names ``known``, checked; `ParameterError` names cell and line.

    ``check(values, source=...)`` raises `ParameterError` for values that cannot be.
    """
    inputs = namespace.get("In")
    bound = assignments(inputs) if isinstance(inputs, list) else []
    if not bound:
        values = {name: namespace[name] for name in known if name in namespace}
        return check(values, source="the notebook's names")
    places = {one.name: one.place for one in bound}
    problems = [_unknown(name, place, known) for name, place in places.items() if name not in known]
    values = {name: namespace[name] for name in places if name in known and name in namespace}
    try:
        checked = check(values, source="notebook")
    except ParameterError as error:
        problems += [_placed(problem, places) for problem in error.problems]
    if problems:
        raise ParameterError("notebook", problems)
    return checked


def _unknown(name: str, place: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]}? " if close else ""
    return f"{place}: {name}: unknown parameter; {hint}allowed: {', '.join(known)}"


def _placed(problem: str, places: Mapping[str, str]) -> str:
    key = re.match(r"\w+", problem)
    place = places.get(key[0]) if key else None
    return f"{place}: {problem}" if place else problem
