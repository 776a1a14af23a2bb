"""Files of a run, each held against what the manifest says of it when it is read.

Whoever reads, the one process or several, notes the same of the same file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gp_helpers.evidence.differences import Difference, DifferenceKind
from gp_helpers.evidence.manifest import MANIFEST_FILE, Damage, compare_file
from gp_helpers.evidence.source import DamagedFileError, Evidence


def file_difference(damage: Damage) -> Difference:
    """Damage of a file, as a difference."""
    return Difference(DifferenceKind.FILE, damage.file, damage.line, damage.description)


@dataclass(frozen=True, slots=True)
class Noted:
    """What was held against the manifest, and where it differs."""

    seen: set[str]
    found: list[Difference]


class HeldFiles:
    """Reads the files of a run, and notes where they are not what the manifest lists."""

    def __init__(
        self, evidence: Evidence, listed: Mapping[str, Any], found: list[Difference]
    ) -> None:
        self.evidence = evidence
        self.found = found
        """What differs, in the order in which it was found."""
        self._listed = listed
        self._seen = {MANIFEST_FILE}

    def read(self, name: str) -> bytes | None:
        """A file's content, or None if it cannot be had; what differs is noted, once."""
        try:
            content = self.evidence.read(name)
        except KeyError:
            return None
        except DamagedFileError as error:
            self.found.append(Difference(DifferenceKind.FILE, name, None, error.reason))
            return None
        if name not in self._seen and name in self._listed:
            damage = compare_file(name, content, self._listed[name])
            self.found.extend(file_difference(one) for one in damage)
        self._seen.add(name)
        return content

    def read_the_others(self) -> None:
        """Hold every file that was not read yet against the manifest."""
        for name in self.evidence.names():
            if name not in self._seen:
                self.read(name)

    def in_another_process(self) -> HeldFiles:
        """The same files for a process of its own, which has noted nothing yet."""
        return HeldFiles(self.evidence.in_another_process(), self._listed, [])

    def taken(self) -> Noted:
        """What was noted since the last time."""
        noted = Noted(self._seen, self.found)
        self._seen, self.found = set(), []
        return noted

    def add(self, noted: Noted) -> None:
        """Take over what another process noted."""
        self._seen |= noted.seen
        self.found += noted.found
