"""The catalogue of defects: data, gathered from one module a suite.

Each module of this package that is listed here offers `DEFECTS`, a tuple of `Defect`.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from gp_helpers.platform.defects.model import Defect

_SUITES = ("auth", "websocket", "routing", "factory", "journey")


def _gather() -> dict[str, Defect]:
    gathered: dict[str, Defect] = {}
    taken: dict[str, str] = {}
    for suite in _SUITES:
        defects: tuple[Defect, ...] = import_module(f"{__name__}.{suite}").DEFECTS
        for defect in defects:
            if defect.id in gathered:
                raise ValueError(f"defect {defect.id} is listed twice")
            for seam in defect.components:
                if seam in taken:
                    raise ValueError(f"{defect.id} and {taken[seam]} both take the seam {seam}")
                taken[seam] = defect.id
            gathered[defect.id] = defect
    return gathered


CATALOGUE: Mapping[str, Defect] = _gather()
"""Every defect by id."""


def defects_of(case: str) -> frozenset[str]:
    """The ids of the defects that a case is about."""
    return frozenset(defect.id for defect in CATALOGUE.values() if defect.case == case)
