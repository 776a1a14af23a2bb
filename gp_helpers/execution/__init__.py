"""Running notebooks truthfully and fast, from one process.

`execute` is loaded when it is first used: it brings Jupyter with it, the outcomes do not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gp_helpers.execution.errors import ExecutionError, KernelStartError, NotebookFileError
from gp_helpers.execution.outcomes import (
    CellEvent,
    CellOutcome,
    CellResult,
    ExitReason,
    NotebookJob,
    NotebookResult,
)

if TYPE_CHECKING:
    from gp_helpers.execution.running import execute

__all__ = [
    "CellEvent",
    "CellOutcome",
    "CellResult",
    "ExecutionError",
    "ExitReason",
    "KernelStartError",
    "NotebookFileError",
    "NotebookJob",
    "NotebookResult",
    "execute",
]


def __getattr__(name: str) -> Any:
    if name == "execute":
        from gp_helpers.execution.running import execute

        return execute
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
