"""Templates of a parameter file: ``{user.email}`` from variables, ``${NAME}`` from the environment.

The two are kept apart on purpose: what comes from the environment is a secret and is resolved when
a lab opens, never written back; what comes from variables differs from request to request.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_PLACEHOLDER = re.compile(r"(?<!\$)\{([a-z_][a-z0-9_]*(?:\.[a-z_][a-z0-9_]*)*)\}")
_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class UnknownPlaceholderError(ValueError):
    """A template names a variable that is not there."""

    def __init__(self, name: str, known: list[str]) -> None:
        super().__init__(f"unknown placeholder {{{name}}}; known here: {', '.join(sorted(known))}")


class MissingEnvironmentError(ValueError):
    """Variables of the environment that a parameter file refers to are not set."""

    def __init__(self, names: list[str]) -> None:
        plural = "s" if len(names) > 1 else ""
        super().__init__(f"environment variable{plural} not set: {', '.join(names)}")
        self.names = names


def _lookup(name: str, variables: Mapping[str, Any]) -> Any:
    value: Any = variables
    for part in name.split("."):
        if not isinstance(value, Mapping) or part not in value:
            raise UnknownPlaceholderError(name, list(variables))
        value = value[part]
    return value


def render(template: Any, variables: Mapping[str, Any]) -> Any:
    """Fill the placeholders of a template: a string, or strings anywhere inside lists and mappings.

    A string that is nothing but one placeholder becomes the variable's own value, whatever its
    type. Raises `UnknownPlaceholderError`.
    """
    if isinstance(template, str):
        whole = _PLACEHOLDER.fullmatch(template)
        if whole:
            return _lookup(whole[1], variables)
        return _PLACEHOLDER.sub(lambda match: str(_lookup(match[1], variables)), template)
    if isinstance(template, Mapping):
        return {key: render(value, variables) for key, value in template.items()}
    if isinstance(template, list | tuple):
        return [render(value, variables) for value in template]
    return template


def render_expression(expression: str, variables: Mapping[str, Any]) -> str:
    """Fill the placeholders of a JMESPath expression, which stand inside its quotes.

    What is filled in cannot end the string that it stands in. Raises `UnknownPlaceholderError`.
    """

    def filled(match: re.Match[str]) -> str:
        value = str(_lookup(match[1], variables))
        return value.replace("\\", "\\\\").replace("'", "\\'").replace('"', '\\"')

    return _PLACEHOLDER.sub(filled, expression)


def placeholders_in(text: str) -> list[str]:
    """The names of the placeholders in a text, each once, with their dots."""
    return list(dict.fromkeys(_PLACEHOLDER.findall(text)))


def fill_known(template: Any, known: Mapping[str, str]) -> Any:
    """Fill those placeholders that are known, by their whole dotted name; leave the others."""
    if isinstance(template, str):
        return _PLACEHOLDER.sub(lambda match: known.get(match[1], match[0]), template)
    if isinstance(template, Mapping):
        return {key: fill_known(value, known) for key, value in template.items()}
    if isinstance(template, list | tuple):
        return [fill_known(value, known) for value in template]
    return template


def references(value: Any) -> list[str]:
    """The environment variables that ``${NAME}`` refers to anywhere in a value, each once."""
    found: dict[str, None] = {}

    def walk(part: Any) -> None:
        if isinstance(part, str):
            found.update(dict.fromkeys(_REFERENCE.findall(part)))
        elif isinstance(part, Mapping):
            for inner in part.values():
                walk(inner)
        elif isinstance(part, list | tuple):
            for inner in part:
                walk(inner)

    walk(value)
    return list(found)


def resolve(value: Any, environ: Mapping[str, str]) -> Any:
    """Replace every ``${NAME}`` by the environment's value.

    Raises `MissingEnvironmentError`, which names all that are absent.
    """
    missing = [name for name in references(value) if not environ.get(name)]
    if missing:
        raise MissingEnvironmentError(missing)

    def walk(part: Any) -> Any:
        if isinstance(part, str):
            return _REFERENCE.sub(lambda match: environ[match[1]], part)
        if isinstance(part, Mapping):
            return {key: walk(inner) for key, inner in part.items()}
        if isinstance(part, list | tuple):
            return [walk(inner) for inner in part]
        return part

    return walk(value)
