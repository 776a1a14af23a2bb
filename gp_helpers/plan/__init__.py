"""The test plan as data: five suites, 23 cases, thresholds and statements of value.

Notebooks, reports, the command line and the plan's tests all print from here, so that they cannot
disagree about what is being tested and why.
"""

from gp_helpers.plan.cases import CASES, case_info, cases_of, select
from gp_helpers.plan.kinds import (
    CaseInfo,
    Segment,
    Suite,
    SuiteInfo,
    Threshold,
    UnknownNameError,
    Value,
)
from gp_helpers.plan.suites import SUITES
from gp_helpers.plan.thresholds import THRESHOLDS

__all__ = [
    "CASES",
    "SUITES",
    "THRESHOLDS",
    "CaseInfo",
    "Segment",
    "Suite",
    "SuiteInfo",
    "Threshold",
    "UnknownNameError",
    "Value",
    "case_info",
    "cases_of",
    "select",
]
