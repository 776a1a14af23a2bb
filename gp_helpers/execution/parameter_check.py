"""Refuses unknown and mistyped parameters before a kernel starts.

The notebook's cell with the tag ``parameters`` is the list of names. If they are those of a
parameter file, its schema decides; elsewhere the cell's annotations, or the type of the default.
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nbformat import NotebookNode

from gp_helpers.parameters import ParameterError, validate
from gp_helpers.parameters.schema import Parameters

_TYPES: dict[str, tuple[type, ...]] = {
    "bool": (bool,),
    "int": (int,),
    "float": (float, int),
    "str": (str,),
    "list": (list, tuple),
    "tuple": (list, tuple),
    "dict": (dict,),
    "None": (type(None),),
}


@dataclass(frozen=True, slots=True)
class _Declared:
    """A name that the parameters cell binds."""

    types: tuple[str, ...]
    """What its value may be; empty: anything."""


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
        types = declared[name].types
        if types and not any(_is_a(value, kind) for kind in types):
            problems.append(
                f"{name}: expected {' or '.join(types)}, found {type(value).__name__} {value!r:.60}"
            )
    if problems:
        raise ParameterError(source, problems)


def _known(name: str, declared: Mapping[str, _Declared]) -> str:
    if not declared:
        return "the notebook has no cell tagged 'parameters' that binds a name"
    close = difflib.get_close_matches(name, declared, n=1)
    hint = f"did you mean {close[0]}? " if close else ""
    return f"{hint}known: {', '.join(declared)}"


def _declared(notebook: NotebookNode, source: str) -> dict[str, _Declared]:
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
    declared: dict[str, _Declared] = {}
    for statement in tree.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            declared[statement.target.id] = _Declared(_annotated(statement.annotation))
        elif isinstance(statement, ast.Assign):
            for target in statement.targets:
                if isinstance(target, ast.Name):
                    declared[target.id] = _Declared(_of_default(statement.value))
    return declared


def _annotated(annotation: ast.expr) -> tuple[str, ...]:
    """The names of an annotation's types; empty if there is one that is not known here."""
    if isinstance(annotation, ast.BinOp) and isinstance(annotation.op, ast.BitOr):
        left, right = _annotated(annotation.left), _annotated(annotation.right)
        return (*left, *right) if left and right else ()
    if isinstance(annotation, ast.Subscript):
        annotation = annotation.value
    if isinstance(annotation, ast.Constant) and annotation.value is None:
        return ("None",)
    if isinstance(annotation, ast.Name) and annotation.id in _TYPES:
        return (annotation.id,)
    return ()


def _of_default(default: ast.expr) -> tuple[str, ...]:
    """The type of a literal default; empty for None and for anything computed."""
    try:
        value = ast.literal_eval(default)
    except ValueError:
        return ()
    name = type(value).__name__
    return (name,) if value is not None and name in _TYPES else ()


def _is_a(value: Any, name: str) -> bool:
    if isinstance(value, bool):
        return name == "bool"
    return isinstance(value, _TYPES[name])
