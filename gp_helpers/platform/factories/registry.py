"""The registry: factories by role and name, which is all that a mode knows of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gp_helpers.platform.factories.contract import Role


class UnknownFactory(LookupError):
    """Raised when nobody registered a factory of this role under this name."""

    def __init__(self, role: Role, name: str) -> None:
        super().__init__(f"there is no {role} factory called {name!r}")


class FactoryRegistry:
    """What is registered is looked up by name, so that no type checker sees whether it fits."""

    def __init__(self) -> None:
        self._factories: dict[tuple[Role, str], Any] = {}

    def register(self, role: Role, name: str, factory: object) -> None:
        if (role, name) in self._factories:
            raise ValueError(f"there is a {role} factory called {name!r} already")
        self._factories[role, name] = factory

    def factory(self, role: Role, name: str) -> Any:
        """Raises `UnknownFactory`."""
        try:
            return self._factories[role, name]
        except KeyError:
            raise UnknownFactory(role, name) from None

    def __iter__(self) -> Iterator[tuple[Role, str, Any]]:
        for (role, name), factory in self._factories.items():
            yield role, name, factory
