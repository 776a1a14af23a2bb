"""Factories of somebody's own, by import string: `{"connection.mine": "package.module:Own"}`."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from gp_helpers.platform.factories.contract import Role


class FactoryNotFound(ValueError):
    """Raised when a stated factory cannot be had; names the key, what was stated, and why."""

    def __init__(self, key: str, stated: str, why: str) -> None:
        super().__init__(f"factories.{key}: {stated!r}: {why}")


def load_factories(stated: Mapping[str, str]) -> list[tuple[Role, str, Any]]:
    """The factories with their roles and names, for `check_factories`.

    A key is a role, or `role.name`; a value is `package.module:attribute`, which is a factory, or a
    class that makes one without arguments. Raises `FactoryNotFound`.
    """
    return [_load(key, import_string) for key, import_string in stated.items()]


def _load(key: str, stated: str) -> tuple[Role, str, Any]:
    role_name, _, name = key.partition(".")
    roles = ", ".join(Role)
    try:
        role = Role(role_name)
    except ValueError:
        raise FactoryNotFound(key, stated, f"the key has to begin with one of {roles}") from None
    module, colon, attribute = stated.partition(":")
    if not (module and colon and attribute):
        raise FactoryNotFound(key, stated, "not of the form package.module:attribute")
    try:
        found: Any = import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
        factory = found() if inspect.isclass(found) else found
    except Exception as error:
        raise FactoryNotFound(key, stated, f"{type(error).__name__}: {error}") from error
    return role, name or stated, factory
