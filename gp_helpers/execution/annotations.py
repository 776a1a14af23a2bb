"""What a parameter may be, by the annotation or the default in its notebook; no code is run for it.

Names of builtins and of ``typing`` are known; what stands under any other name may be anything.
"""

from __future__ import annotations

import ast
import typing
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import ConfigDict, Strict, TypeAdapter, ValidationError

_FROM_A_LIST: tuple[Any, ...] = (list, tuple, set, frozenset)
"""YAML and JSON have lists alone."""
_BUILTINS: dict[str, Any] = {
    one.__name__: one for one in (bool, bytes, dict, float, frozenset, int, list, set, str, tuple)
}
_TYPING = [
    "Dict",
    "FrozenSet",
    "List",
    "Literal",
    "Mapping",
    "Optional",
    "Sequence",
    "Set",
    "Tuple",
    "Union",
]
_KNOWN: dict[str, Any] = _BUILTINS | {name: getattr(typing, name) for name in _TYPING}


@dataclass(frozen=True, slots=True)
class Declared:
    """A name that the parameters cell binds."""

    said: str = ""
    """What its value is expected to be."""
    kind: Any = Any

    def takes(self, value: Any) -> bool:
        """Whether the name may be bound to a value."""
        if self.kind is Any:
            return True
        try:
            adapter: TypeAdapter[Any] = TypeAdapter(self.kind, config=ConfigDict(strict=True))
        except (RuntimeError, TypeError, ValueError):
            return True  # An annotation that makes no sense to others either.
        try:
            adapter.validate_python(value)
        except ValidationError:
            return False
        return True


def annotated(annotation: ast.expr) -> Declared:
    """A name with an annotation."""
    return Declared(ast.unparse(annotation), _kind(annotation))


def defaulted(default: ast.expr) -> Declared:
    """A name with a default: the type of a literal; anything for None and what is computed."""
    try:
        kind = type(ast.literal_eval(default))
    except (ValueError, TypeError, SyntaxError):
        return Declared()
    if kind.__name__ not in _BUILTINS:
        return Declared()
    return Declared(kind.__name__, _lenient(kind, kind))


def _kind(annotation: ast.expr) -> Any:
    match annotation:
        case ast.Constant(value=None):
            return None
        case ast.Constant(value=str(text)):
            return _of_text(text)
        case ast.Name() | ast.Attribute():
            return _lenient(_named(annotation), _named(annotation))
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _combined(typing.Union, [_kind(left), _kind(right)])
        case ast.Subscript(value=of, slice=inner):
            return _subscripted(of, inner)
    return Any


def _named(name: ast.expr) -> Any:
    match name:
        case ast.Name(id=known) | ast.Attribute(value=ast.Name(id="typing" | "t"), attr=known):
            return _KNOWN.get(known, Any)
    return Any


def _of_text(text: str) -> Any:
    try:
        return _kind(ast.parse(text, mode="eval").body)
    except SyntaxError:
        return Any


def _subscripted(of: ast.expr, inner: ast.expr) -> Any:
    generic = _named(of)
    if generic is Any:
        return Any
    parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
    if generic is typing.Literal:
        try:
            return _combined(generic, [ast.literal_eval(part) for part in parts])
        except ValueError:
            return Any
    return _lenient(generic, _combined(generic, [_argument(part) for part in parts]))


def _argument(part: ast.expr) -> Any:
    is_ellipsis = isinstance(part, ast.Constant) and part.value is ...
    return ... if is_ellipsis else _kind(part)


def _combined(generic: Any, arguments: list[Any]) -> Any:
    try:
        return generic[tuple(arguments) if len(arguments) > 1 else arguments[0]]
    except (TypeError, IndexError):
        return Any


def _lenient(generic: Any, kind: Any) -> Any:
    """A type that takes a list, too, where it is made of one."""
    if (typing.get_origin(generic) or generic) in _FROM_A_LIST:
        return Annotated[kind, Strict(False)]
    return kind
