"""Evidence: the run folder, its report, the bundle, the re-check, comparison and trend."""

from gp_helpers.checkers.expectations import Expected
from gp_helpers.evidence.bundling import Bundle, bundle
from gp_helpers.evidence.comparison import Change, ComparedCase, Comparison, compare
from gp_helpers.evidence.conditions import effective_environments
from gp_helpers.evidence.differences import Difference, DifferenceKind
from gp_helpers.evidence.errors import (
    EvidenceError,
    EvidenceWriteError,
    NotARunError,
    RunFolderTakenError,
    SecretFoundError,
)
from gp_helpers.evidence.expected import ExitStatus, exit_status, expected_of
from gp_helpers.evidence.finalising import Finalised, finalise
from gp_helpers.evidence.folder import RunFolder, unpublished
from gp_helpers.evidence.head_start import HeadStart
from gp_helpers.evidence.patterns import patterns
from gp_helpers.evidence.reading import Reading, read_run, runs_in
from gp_helpers.evidence.rechecking import Recheck, recheck
from gp_helpers.evidence.report_case import rerun_command
from gp_helpers.evidence.secret_scan import (
    SecretFinding,
    SecretScan,
    leave_scan,
    scan,
)
from gp_helpers.evidence.service_logs import ServiceLogs
from gp_helpers.evidence.stated_secrets import redactor_for, stated_secrets
from gp_helpers.evidence.trending import Trend, TrendPoint, TrendRow, trend

__all__ = [
    "Bundle",
    "Change",
    "ComparedCase",
    "Comparison",
    "Difference",
    "DifferenceKind",
    "EvidenceError",
    "EvidenceWriteError",
    "ExitStatus",
    "Expected",
    "Finalised",
    "HeadStart",
    "NotARunError",
    "Reading",
    "Recheck",
    "RunFolder",
    "RunFolderTakenError",
    "SecretFinding",
    "SecretFoundError",
    "SecretScan",
    "ServiceLogs",
    "Trend",
    "TrendPoint",
    "TrendRow",
    "bundle",
    "compare",
    "effective_environments",
    "exit_status",
    "expected_of",
    "finalise",
    "leave_scan",
    "patterns",
    "read_run",
    "recheck",
    "redactor_for",
    "rerun_command",
    "runs_in",
    "scan",
    "stated_secrets",
    "trend",
    "unpublished",
]
