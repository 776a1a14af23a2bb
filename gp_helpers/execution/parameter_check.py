"""Refuses unknown and mistyped parameters before a kernel starts.

The notebook's cell with the tag ``parameters`` is the list of names. If they are those of a
parameter file, its schema decides; elsewhere the cell's annotations, or the types of defaults.
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Mapping
from typing import Any

from nbformat import NotebookNode

from gp_helpers.execution.annotations import Declared, annotated, defaulted
from gp_helpers.parameters import ParameterError, validate
from gp_helpers.parameters.schema import Parameters


def check_parameters(notebook: NotebookNode, parameters: Mapping[str, Any], *, source: str) -> None:
    """Raise `ParameterError`, which names every problem, unless ``parameters`` fit the notebook."""
    declared = _declared(notebook, source)
    problems = [
        f"{name!r}: a parameter's name is text, found {type(name).__name__} (quote it in YAML)"
        for name in parameters
        if not isinstance(name, str)
    ]
    for name in parameters:
        if isinstance(name, str) and name not in declared:
            problems.append(f"{name}: unknown parameter; {_known(name, declared)}")
    if problems:
        raise ParameterError(source, problems)
    if declared and set(declared) <= set(Parameters.model_fields):
        validate(parameters, source=source)
        return
    for name, value in parameters.items():
        if not declared[name].takes(value):
            found = f"{type(value).__name__} {value!r:.60}"
            problems.append(f"{name}: expected {declared[name].said}, found {found}")
    if problems:
        raise ParameterError(source, problems)


def _known(name: str, declared: Mapping[str, Declared]) -> str:
    if not declared:
        return "the notebook has no cell tagged 'parameters' that binds a name"
    close = difflib.get_close_matches(name, declared, n=1)
    hint = f"did you mean {close[0]}? " if close else ""
    return f"{hint}known: {', '.join(declared)}"


def _declared(notebook: NotebookNode, source: str) -> dict[str, Declared]:
    cells = [
        cell
        for cell in notebook.cells
        if cell.cell_type == "code" and "parameters" in cell.metadata.get("tags", [])
    ]
    if not cells:
        return {}
    try:
        tree = ast.parse(cells[0].source)
    except SyntaxError as error:
        raise ParameterError(source, [f"the parameters cell is not Python: {error}"]) from error
    declared: dict[str, Declared] = {}
    for statement in tree.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            declared[statement.target.id] = annotated(statement.annotation)
        elif isinstance(statement, ast.Assign):
            for target in statement.targets:
                declared.update(_bound(target, statement.value))
    return declared


def _bound(target: ast.expr, value: ast.expr | None) -> dict[str, Declared]:
    """The names that an assignment binds; of ``x, y = 1, 2`` each with its own default."""
    if isinstance(target, ast.Name):
        return {target.id: defaulted(value) if value is not None else Declared()}
    if isinstance(target, ast.Starred):
        return _bound(target.value, None)
    if not isinstance(target, ast.Tuple | ast.List):
        return {}
    values: list[ast.expr | None] = [None] * len(target.elts)
    is_starred = any(isinstance(one, ast.Starred) for one in target.elts)
    if isinstance(value, ast.Tuple | ast.List) and not is_starred:
        values = [*value.elts] if len(value.elts) == len(values) else values
    return {
        name: declared
        for one, its in zip(target.elts, values, strict=True)
        for name, declared in _bound(one, its).items()
    }
