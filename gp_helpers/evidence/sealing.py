"""What a run's end makes, kept until all of it is there, then written at once and sealed.

A run that is killed while it is finalised has said nothing yet of having come to its end.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from gp_helpers.evidence.errors import EvidenceWriteError
from gp_helpers.evidence.files import as_json, encoded
from gp_helpers.evidence.folder import RunFolder
from gp_helpers.evidence.manifest import MANIFEST_FILE, build
from gp_helpers.evidence.source import DamagedFileError, FolderEvidence


class Sealing:
    """A run's files as they will be: those that are there, and in their place those made here.

    ``remade``: names of files from an earlier end, which do not count.
    """

    def __init__(self, run: RunFolder, remade: Collection[str]) -> None:
        self._run = run
        self._remade = frozenset({MANIFEST_FILE, *remade})
        self._made: dict[str, str] = {}

    def take(self, name: str, text: str) -> None:
        """Keep a file's text."""
        self._made[name] = text

    def names(self) -> list[str]:
        """The names of all files, but for the manifest."""
        there = set(FolderEvidence(self._run.path).names()) - self._remade
        return sorted(there | self._made.keys())

    def read(self, name: str) -> bytes:
        """A file's content; raises as `FolderEvidence.read` does."""
        if name in self._made:
            return encoded(self._made[name])
        return FolderEvidence(self._run.path).read(name)

    def files(self) -> Iterator[tuple[str, bytes]]:
        """All files by name; what cannot be read is left out."""
        for name in self.names():
            try:
                yield name, self.read(name)
            except (KeyError, DamagedFileError):
                continue

    def seal(self) -> dict[str, Any]:
        """Write what was kept, then the manifest; return that.

        The largest first: what tells verdicts and the run's end follows in a moment. Raises
        `EvidenceWriteError`; a manifest from before is gone by then, and nothing else.
        """
        manifest = build(self, self._run.run_id)
        sealed = self._run.path / MANIFEST_FILE
        try:
            sealed.unlink(missing_ok=True)
        except OSError as error:
            raise EvidenceWriteError(sealed, error, run=self._run.path) from error
        for name, text in sorted(self._made.items(), key=lambda made: -len(made[1])):
            self._run.write_text(name, text)
        self._run.write_text(MANIFEST_FILE, as_json(manifest))
        return manifest
