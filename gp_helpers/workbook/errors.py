"""What a notebook is told when something is not possible.

WorkbookError
├── EvidenceDiffers
├── ExpectationNotMet
├── LabClosed
├── NothingTaken
└── StepOutOfOrder
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path


class WorkbookError(Exception):
    """Base of everything that the workbook itself objects to."""


class ExpectationNotMet(WorkbookError):
    """Raised by the last cell when a case did not show what was expected; evidence is written."""

    def __init__(self, unmet: Mapping[str, str], evidence: Path) -> None:
        self.unmet = dict(unmet)
        told = "\n".join(f"  {case}: {reason}" for case, reason in unmet.items())
        super().__init__(f"not as expected:\n{told}\nevidence: {evidence}")


class EvidenceDiffers(WorkbookError):
    """Raised by the last cell of a review when a run does not say what its histories say."""

    def __init__(self, differences: Mapping[str, Sequence[str]]) -> None:
        self.differences = {run: tuple(found) for run, found in differences.items()}
        told = "\n".join(f"  {run}: {one}" for run, found in differences.items() for one in found)
        super().__init__(f"the evidence does not hold:\n{told}")


class LabClosed(WorkbookError):
    """Raised when a lab is used after it was closed, for instance by a newer one."""

    def __init__(self) -> None:
        super().__init__("this lab is closed; run the set-up cell again")


class NothingTaken(WorkbookError):
    """Raised when a view is asked for before any step, or when nothing at all was observed."""


class StepOutOfOrder(WorkbookError):
    """Raised when a step is taken before those that it builds on."""

    def __init__(self, case: str, step: str, taken: Sequence[str], names: Sequence[str]) -> None:
        following = names[len(taken)] if len(taken) < len(names) else None
        if step in taken or following is None:
            told = f"{step}() was taken already; {names[0]}() begins a new trial"
        else:
            told = f"take {following}() first"
            if taken:
                told += f", or begin a new trial with {names[0]}()"
        super().__init__(f"{case}: {told} (taken so far: {', '.join(taken) or 'nothing'})")
        self.case = case
        self.step = step
