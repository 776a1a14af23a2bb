"""What can go wrong with evidence.

EvidenceError
 ├── RunFolderTakenError   the folder belongs to a run already
 ├── NotARunError          the path holds no run
 ├── EvidenceWriteError    no permission, no space (also an OSError)
 └── SecretFoundError      a bundle was asked for, and the scan had found something
"""

from __future__ import annotations

from pathlib import Path


class EvidenceError(Exception):
    """Base of what can go wrong with evidence."""


class RunFolderTakenError(EvidenceError):
    """A run wants a folder that belongs to another run, or that another process still writes."""

    def __init__(self, path: Path, owner: int | None) -> None:
        still = f"process {owner} is still writing it" if owner else "it holds a run already"
        super().__init__(f"{path}: {still}; a run needs a folder of its own")
        self.path = path
        self.owner = owner


class NotARunError(EvidenceError):
    """A path was given as a run or a bundle, and is neither."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path


class EvidenceWriteError(EvidenceError, OSError):
    """A file could not be written; what was recorded before it stays readable."""

    def __init__(self, path: Path, error: OSError, *, run: Path | None = None) -> None:
        OSError.__init__(self, error.errno, error.strerror, str(path))
        self.path = path
        self.run = run
        """The run whose file it is, if something was recorded in it before."""

    def __str__(self) -> str:
        told = f"cannot write {self.path}: {self.strerror or 'unknown reason'}"
        return told if self.run is None else f"{told}; what {self.run} recorded is still there"


class SecretFoundError(EvidenceError):
    """Evidence that holds a secret is not bundled."""

    def __init__(self, path: Path, places: list[str]) -> None:
        super().__init__(f"{path}: not bundled, a secret was found in {', '.join(places)}")
        self.places = places
