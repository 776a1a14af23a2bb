"""The helpers behind the Golden Path investigation notebooks.

A notebook imports this module alone. It is lazy, so that a service process which imports
`gp_helpers.platform` does not pay for pandas.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gp_helpers.workbook import (
        EvidenceDiffers,
        ExpectationNotMet,
        Lab,
        Review,
        StepOutOfOrder,
        open_lab,
        open_review,
        overview,
    )

__all__ = [
    "EvidenceDiffers",
    "ExpectationNotMet",
    "Lab",
    "Review",
    "StepOutOfOrder",
    "open_lab",
    "open_review",
    "overview",
]

_PACKAGES = frozenset(
    {
        "plan",
        "parameters",
        "history",
        "statistics",
        "checkers",
        "platform",
        "cloud_run",
        "faults",
        "targets",
        "probes",
        "cases",
        "evidence",
        "display",
        "workbook",
        "execution",
    }
)


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module("gp_helpers.workbook"), name)
    if name in _PACKAGES:
        return import_module(f"gp_helpers.{name}")
    raise AttributeError(f"module 'gp_helpers' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*__all__, *_PACKAGES})
