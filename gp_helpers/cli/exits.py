"""Exit codes. They are computed from recorded verdicts, never from a child's exit code alone."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum


class Exit(IntEnum):
    """How a command ends."""

    OK = 0
    """Every expectation is met."""
    NOT_MET = 1
    INCONCLUSIVE = 2
    BAD_USAGE = 3
    """Bad usage or parameters."""
    BROKEN = 4
    """The workbook or the embedded platform broke."""
    INTERRUPTED = 130


_WORST_FIRST = (
    Exit.INTERRUPTED,
    Exit.BROKEN,
    Exit.BAD_USAGE,
    Exit.NOT_MET,
    Exit.INCONCLUSIVE,
)


def worst(exits: Iterable[Exit]) -> Exit:
    """The exit code of several things together."""
    seen = set(exits)
    return next((exit_ for exit_ in _WORST_FIRST if exit_ in seen), Exit.OK)
