"""Which component stands at each seam: the one place where components are chosen.

It names them by import string and imports one only when it is asked for it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from importlib import import_module
from typing import Any

from gp_helpers.platform.defects.catalogue import CATALOGUE, defects_of
from gp_helpers.platform.seams import SEAMS


class UnknownDefect(ValueError):
    """Raised when a wiring names a defect that the catalogue does not have."""

    def __init__(self, name: str) -> None:
        close = difflib.get_close_matches(name, CATALOGUE, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(sorted(CATALOGUE))}"
        super().__init__(f"unknown defect {name!r}; {hint}")


class Wiring:
    """Which component stands at each seam: the remediated one, or that of a defect which is on."""

    def __init__(self, defects: Iterable[str] = ()) -> None:
        self.defects = frozenset(defects)
        for name in sorted(self.defects):
            if name not in CATALOGUE:
                raise UnknownDefect(name)
        self._components: dict[str, str] = {
            seam: component
            for name in self.defects
            for seam, component in CATALOGUE[name].components.items()
        }

    @classmethod
    def as_reported(cls, case: str) -> Wiring:
        """Exactly the defects that a case is about."""
        return cls(defects_of(case))

    @classmethod
    def all_defects(cls) -> Wiring:
        """Everything at once; masking is to be expected."""
        return cls(CATALOGUE)

    def import_string(self, seam: str) -> str:
        """Where the seam's component is: `module:attribute`."""
        return self._components.get(seam, SEAMS[seam].remediated)

    def component(self, seam: str) -> Any:
        """The class that stands at a seam."""
        module, _, attribute = self.import_string(seam).partition(":")
        return getattr(import_module(module), attribute)
