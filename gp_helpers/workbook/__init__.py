"""What a notebook holds in its hand: the lab, a case with its steps, its figures, its card."""

from gp_helpers.workbook.case import CaseHandle
from gp_helpers.workbook.errors import (
    EvidenceDiffers,
    ExpectationNotMet,
    LabClosed,
    NothingTaken,
    StepOutOfOrder,
    WorkbookError,
)
from gp_helpers.workbook.lab import Lab, open_lab
from gp_helpers.workbook.overview import overview
from gp_helpers.workbook.review import Review, open_review

__all__ = [
    "CaseHandle",
    "EvidenceDiffers",
    "ExpectationNotMet",
    "Lab",
    "LabClosed",
    "NothingTaken",
    "Review",
    "StepOutOfOrder",
    "WorkbookError",
    "open_lab",
    "open_review",
    "overview",
]
