"""Evidence: the run folder, its report, the bundle, the re-check, comparison and trend."""

from gp_helpers.evidence.errors import (
    EvidenceError,
    EvidenceWriteError,
    NotARunError,
    RunFolderTakenError,
    SecretFoundError,
)
from gp_helpers.evidence.expected import ExitStatus, Expected, exit_status, expected_of
from gp_helpers.evidence.folder import RunFolder

__all__ = [
    "EvidenceError",
    "EvidenceWriteError",
    "ExitStatus",
    "Expected",
    "NotARunError",
    "RunFolder",
    "RunFolderTakenError",
    "SecretFoundError",
    "exit_status",
    "expected_of",
]
