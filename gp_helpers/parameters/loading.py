"""Finds, reads and validates parameter files.

Its errors name the file, the line, the key, what was found and what is allowed.
"""

from __future__ import annotations

import difflib
import os
import typing
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from gp_helpers.parameters.documents import line_of, read_document
from gp_helpers.parameters.errors import ParameterError
from gp_helpers.parameters.placeholders import UnknownPlaceholder, unknown_placeholders
from gp_helpers.parameters.schema import (
    AsgiTarget,
    DeploymentTarget,
    EmbeddedTarget,
    Parameters,
)
from gp_helpers.parameters.templates import MissingEnvironmentError, references, resolve

_TARGETS: dict[str, type[BaseModel]] = {
    "embedded": EmbeddedTarget,
    "asgi": AsgiTarget,
    "deployment": DeploymentTarget,
}


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


def environment_of(path: Path) -> str:
    """What ``--env`` takes for a parameter file: its name in ``parameters/``, or a path."""
    if path.suffix == ".yaml" and path.parent.resolve() == folder().resolve():
        return path.stem
    return str(path) if os.sep in str(path) else f".{os.sep}{path}"


def schema_seen_from(path: Path) -> str:
    """Where an editor finds the published schema, seen from the folder of a parameter file."""
    schema = Path(__file__).resolve().parents[2] / "docs" / "parameters.schema.json"
    return os.path.relpath(schema, path.resolve().parent)


def known_environments() -> list[str]:
    """The names that ``--env`` takes, from the files in the folder of parameters."""
    return sorted(path.stem for path in folder().glob("*.yaml"))


def find(environment: str) -> Path:
    """The parameter file of an environment: a name in ``parameters/``, or a path."""
    if environment.endswith((".yaml", ".yml")) or os.sep in environment:
        if os.path.isdir(environment):
            raise ParameterError(environment, ["it is a folder; name a YAML file in it"])
        if not os.path.isfile(environment):
            raise ParameterError(environment, ["there is no such file that can be read"])
        return Path(environment)
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
    node, data = read_document(path)
    if data is None or data == {}:
        allowed = ", ".join(_keys(Parameters))
        raise ParameterError(str(path), [f"it states nothing; allowed: {allowed}"])
    if not isinstance(data, dict):
        raise ParameterError(
            str(path), [f"expected a mapping of keys, found {type(data).__name__}"]
        )
    return validate(data, source=str(path), node=node)


def refusal(environment: str, keys: tuple[Any, ...], told: str) -> ParameterError:
    """What is wrong with the value at some keys of an environment's file, with its line."""
    path = find(environment)
    node, _ = read_document(path)
    return ParameterError(str(path), [f"{_where(node, keys)}: {told}"])


def require_references(environment: str, environ: Mapping[str, str] | None = None) -> None:
    """Raise `ParameterError`, with line and key of each, if a ``${NAME}`` of a file is of no use.

    It may not be set, or hold what cannot be sent.
    """
    path = find(environment)
    node, data = read_document(path)
    known = os.environ if environ is None else environ
    problems = []
    for keys, text in _texts(data):
        for name in references(text):
            if not known.get(name):
                problems.append(f"{_where(node, keys)}: environment variable not set: {name}")
    if problems:
        raise ParameterError(str(path), problems)
    _resolved(load(environment), known, source=str(path), node=node)


def _texts(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], str]]:
    """Every text in a file, with the keys that lead to it."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict | list):
        inner = value.items() if isinstance(value, dict) else enumerate(value)
        for key, one in inner:
            yield from _texts(one, (*path, key))


def resolved(parameters: Parameters, environ: Mapping[str, str] | None = None) -> Parameters:
    """The parameters with every ``${NAME}`` replaced; `ParameterError` names all that are not set.

    What comes back holds secrets: it is never written.
    """
    return _resolved(parameters, os.environ if environ is None else environ, source="parameters")


def _resolved(
    parameters: Parameters,
    environ: Mapping[str, str],
    *,
    source: str,
    node: yaml.Node | None = None,
) -> Parameters:
    try:
        data = resolve(parameters.as_json(), environ)
    except MissingEnvironmentError as error:
        raise ParameterError(source, [str(error)]) from None
    try:
        return Parameters.model_validate(data)
    except ValidationError as error:
        # What was found is not told: a variable holds a secret.
        details = [{**detail, "input": {}} for detail in error.errors()]
        raise ParameterError(source, _problems(details, node)) from None


def validate(data: Mapping[str, Any], *, source: str, node: yaml.Node | None = None) -> Parameters:
    """Validate parameters that came from ``source``, which stands in front of each problem."""
    try:
        parameters = Parameters.model_validate(dict(data))
    except ValidationError as error:
        details = [dict(detail) for detail in error.errors()]
        raise ParameterError(source, _problems(details, node)) from None
    target = data.get("target")
    unknown = unknown_placeholders(target) if isinstance(target, Mapping) else ()
    problems = [_unfillable(one, node) for one in unknown]
    if problems:
        raise ParameterError(source, problems)
    return parameters


def _unfillable(unknown: UnknownPlaceholder, node: yaml.Node | None) -> str:
    where = _where(node, unknown.path)
    allowed = _allowed(unknown.name, unknown.allowed) if unknown.allowed else "allowed: none here"
    return f"{where}: unknown placeholder {{{unknown.name}}}; {allowed}"


_OTHER_FORM = ("string_type", "literal_error", "model_type")


def _problems(details: list[dict[str, Any]], node: yaml.Node | None) -> list[str]:
    """One line a problem, with its place; of a value with several forms, the one that was meant."""
    meant = [
        detail
        for detail in details
        if detail["type"] not in _OTHER_FORM
        or isinstance(detail.get("input"), dict) == (detail["type"] == "model_type")
    ]
    found = []
    for detail in meant or details:
        path, model = _place(detail["loc"], is_unknown=detail["type"] == "extra_forbidden")
        found.append(_problem(detail, path, model, node))
    return list(dict.fromkeys(found))


def _problem(
    detail: dict[str, Any], path: tuple[Any, ...], model: Any, node: yaml.Node | None
) -> str:
    message = detail["msg"].removeprefix("Value error, ")
    named, separator, rest = message.partition(": ")
    found = detail.get("input")
    names = [*_keys(model), *(found if isinstance(found, dict) else ())]
    if separator and named in names and named not in path:
        path, message = (*path, named), rest
    where = _where(node, path)
    if detail["type"] == "extra_forbidden":
        return f"{where}: unknown key; {_allowed(str(path[-1]), _keys(model))}"
    if detail["type"] == "union_tag_not_found":
        return f"{where}.kind: missing; allowed: {', '.join(_TARGETS)}"
    if detail["type"] == "union_tag_invalid":
        return f"{where}.kind: {_allowed(str(detail['ctx']['tag']), list(_TARGETS))}"
    message = message.replace("valid tuple", "valid list").replace("valid dictionary", "mapping")
    shown = f"; found {_short(found)}" if not isinstance(found, dict | BaseModel) else ""
    return f"{where}: {message[0].lower()}{message[1:]}{shown}"


def _where(node: yaml.Node | None, path: tuple[Any, ...]) -> str:
    key = ".".join(str(part) for part in path) or "(top level)"
    line = line_of(node, path)
    return f"line {line}: {key}" if line else key


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _allowed(found: str, names: Sequence[str]) -> str:
    close = difflib.get_close_matches(found, names, n=1)
    hint = f"did you mean {close[0]}? " if close else ""
    return f"{hint}allowed: {', '.join(names)}"


def _keys(model: Any) -> list[str]:
    if not isinstance(model, type) or not issubclass(model, BaseModel):
        return []
    return [field.alias or name for name, field in model.model_fields.items()]


def _place(location: Sequence[Any], *, is_unknown: bool) -> tuple[tuple[Any, ...], Any]:
    """The keys of the file that lead to a problem, and the model that the last one belongs to.

    The location of a problem also names the forms that a value can have; those are left out.
    """
    path: list[Any] = []
    here: Any = Parameters
    owner: Any = Parameters
    for number, part in enumerate(location):
        models = _models_of(here)
        inner = _value_type(here)
        field = next((found for model in models if (found := _field(model, part))), None)
        if path == ["target"] and part in _TARGETS and inner is None and field is None:
            here = owner = _TARGETS[part]
        elif field is not None or inner is not None:
            owner = models[0] if field is not None else owner
            path.append(part)
            here = field.annotation if field is not None else inner
        elif is_unknown and number == len(location) - 1 and models:
            owner = models[0]
            path.append(part)
        elif len(models) > 1:
            here = next((one for one in models if one.__name__ in str(part)), here)
    if isinstance(here, type) and issubclass(here, BaseModel) and not _field(owner, path[-1:]):
        owner = here
    return tuple(path), owner


def _field(model: Any, part: Any) -> Any:
    for name, field in model.model_fields.items():
        if part in (name, field.alias):
            return field
    return None


def _value_type(annotation: Any) -> Any:
    """The type of the values of a mapping or a sequence; None for anything else."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is dict:
        return arguments[1]
    if origin in (tuple, list):
        return arguments[0]
    if origin is not None and any(argument is type(None) for argument in arguments):
        return next((found for one in arguments if (found := _value_type(one))), None)
    return None


def _models_of(annotation: Any) -> list[Any]:
    """The models that a value can be."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if typing.get_origin(annotation) in (dict, tuple, list):
        return []
    return [model for one in typing.get_args(annotation) for model in _models_of(one)]
