"""How cells end in a kernel, and the points in time that end them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gp_helpers.execution.outcomes import CellOutcome

MAY_RAISE_TAG = "raises-exception"
"""On a cell whose exceptions do not end the notebook."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A point in time that a cell must not pass, and what to say if it does."""

    at: float
    """Seconds of the event loop's clock."""
    said: str


@dataclass(frozen=True, slots=True)
class Ended:
    """How a cell ended in the kernel."""

    outcome: CellOutcome
    detail: str = ""
    error: tuple[str, str] | None = None
    """Name and message of an error that the cell did not report itself."""


def ended_by_itself(
    content: Mapping[str, Any], *, may_fail: bool, is_whole: bool, refused: str
) -> Ended:
    """How a cell ended that replied.

    Args:
        content: Of its reply.
        may_fail: Whether an exception of its own is allowed.
        is_whole: Whether all its output came.
        refused: Why an output of its cannot be stored; empty if all are.
    """
    said = []
    outcome = CellOutcome.COMPLETED
    if content["status"] != "ok":
        name, message = content.get("ename", content["status"]), content.get("evalue", "")
        said.append(f"{name}: {message}" if message else name)
        outcome = CellOutcome.COMPLETED if may_fail else CellOutcome.FAILED
    if not is_whole:
        said.append("its output is incomplete")
    error = None
    if refused:
        error = ("OutputNotStored", refused)
        said.append(": ".join(error))
        outcome = CellOutcome.FAILED
    return Ended(outcome, "; ".join(said), error)
