"""What a notebook holds in its hand: the lab, a case with its steps, its figures, its card."""

from gp_helpers.workbook.case import CaseHandle
from gp_helpers.workbook.errors import (
    ExpectationNotMet,
    LabClosed,
    NothingTaken,
    StepOutOfOrder,
    WorkbookError,
)
from gp_helpers.workbook.lab import Lab, open_lab
from gp_helpers.workbook.overview import overview

__all__ = [
    "CaseHandle",
    "ExpectationNotMet",
    "Lab",
    "LabClosed",
    "NothingTaken",
    "StepOutOfOrder",
    "WorkbookError",
    "open_lab",
    "overview",
]
