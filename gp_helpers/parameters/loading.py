"""Finds, reads and validates parameter files.

Its errors name the file, the line, the key, what was found and what is allowed.
"""

from __future__ import annotations

import difflib
import os
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from gp_helpers.parameters.schema import (
    AsgiTarget,
    DeploymentTarget,
    EmbeddedTarget,
    Parameters,
)

_TARGETS: dict[str, type[BaseModel]] = {
    "embedded": EmbeddedTarget,
    "asgi": AsgiTarget,
    "deployment": DeploymentTarget,
}


class ParameterError(ValueError):
    """Parameters that cannot be used: where, what was found and what is allowed."""

    def __init__(self, source: str, problems: Sequence[str]) -> None:
        self.source = source
        self.problems = list(problems)
        super().__init__("\n".join(f"{source}: {problem}" for problem in problems))


def folder() -> Path:
    """``$GOLDEN_PATH_PARAMETERS``, or the nearest ``parameters/`` at or above this folder."""
    stated = os.environ.get("GOLDEN_PATH_PARAMETERS")
    if stated:
        return Path(stated)
    package_root = Path(__file__).resolve().parents[2]
    for start in (Path.cwd(), *Path.cwd().parents, package_root):
        candidate = start / "parameters"
        if candidate.is_dir() and any(candidate.glob("*.yaml")):
            return candidate
    return package_root / "parameters"


def known_environments() -> list[str]:
    """The names that ``--env`` takes, from the files in the folder of parameters."""
    return sorted(path.stem for path in folder().glob("*.yaml"))


def find(environment: str) -> Path:
    """The parameter file of an environment: a name in ``parameters/``, or a path."""
    if environment.endswith((".yaml", ".yml")) or os.sep in environment:
        path = Path(environment)
        if not path.is_file():
            raise ParameterError(environment, ["there is no such file"])
        return path
    path = folder() / f"{environment}.yaml"
    if not path.is_file():
        known = known_environments()
        close = difflib.get_close_matches(environment, known, n=1)
        hint = f"did you mean {close[0]}? " if close else ""
        raise ParameterError(
            f"--env {environment}",
            [f"no such environment; {hint}known: {', '.join(known)}, or a path to a YAML file"],
        )
    return path


def load(environment: str) -> Parameters:
    """Read the parameter file of an environment; `ParameterError` says what is wrong with it."""
    path = find(environment)
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except OSError as error:
        raise ParameterError(str(path), [f"cannot be read: {error.strerror}"]) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ParameterError(str(path), [f"not YAML: {error}"]) from error
    if data is None:
        data = {}
    if not isinstance(data, dict):
        raise ParameterError(
            str(path), [f"expected a mapping of keys, found {type(data).__name__}"]
        )
    return validate(data, source=str(path), node=node)


def validate(data: Mapping[str, Any], *, source: str, node: yaml.Node | None = None) -> Parameters:
    """Validate parameters that came from ``source``, which stands in front of each problem."""
    try:
        return Parameters.model_validate(dict(data))
    except ValidationError as error:
        problems = [_problem(dict(detail), node) for detail in error.errors()]
        raise ParameterError(source, list(dict.fromkeys(problems))) from None


def _problem(detail: dict[str, Any], node: yaml.Node | None) -> str:
    location = tuple(part for part in detail["loc"])
    path = tuple(part for part in location if part not in _TARGETS or location.index(part) != 1)
    key = ".".join(str(part) for part in path) or "(top level)"
    line = _line(node, path)
    where = f"line {line}: {key}" if line else key
    if detail["type"] == "extra_forbidden":
        return f"{where}: unknown key; {_allowed_keys(location)}"
    found = detail.get("input")
    shown = f"; found {_short(found)}" if not isinstance(found, dict) else ""
    message = detail["msg"].removeprefix("Value error, ")
    return f"{where}: {message[0].lower()}{message[1:]}{shown}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _allowed_keys(location: tuple[Any, ...]) -> str:
    model: Any = Parameters
    for part in location[:-1]:
        model = _inner_model(model, part)
        if model is None:
            return "see docs/parameters.md for what is allowed"
    names = [field.alias or name for name, field in model.model_fields.items()]
    close = difflib.get_close_matches(str(location[-1]), names, n=1)
    hint = f"did you mean {close[0]}? " if close else ""
    return f"{hint}allowed: {', '.join(names)}"


def _inner_model(model: Any, part: Any) -> Any:
    if part in _TARGETS and model is None:
        return _TARGETS[part]
    if isinstance(model, type) and issubclass(model, BaseModel):
        for name, field in model.model_fields.items():
            if part in (name, field.alias):
                return _model_of(field.annotation)
        if part in _TARGETS:
            return _TARGETS[part]
        return None
    return model


def _model_of(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in typing.get_args(annotation):
        if isinstance(argument, types.GenericAlias | type) or typing.get_args(argument):
            found = _model_of(argument)
            if found is not None:
                return found
    return None


def _line(node: yaml.Node | None, path: tuple[Any, ...]) -> int | None:
    line = None
    for part in path:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == str(part):
                    line, node = key.start_mark.line + 1, value
                    break
            else:
                return line
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part] if part < len(node.value) else None
            line = node.start_mark.line + 1 if node is not None else line
        else:
            return line
    return line
