"""Where evidence is read from: a run's folder, or the zip that was made of one."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from gp_helpers.evidence.errors import NotARunError
from gp_helpers.evidence.folder import ENVIRONMENT_FILE

MOST_UNPACKED_BYTES = 4 * 1024**3
"""A bundle that claims to hold more is not opened."""


class DamagedFileError(ValueError):
    """A file of the evidence cannot be read."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason


class Evidence(Protocol):
    """The files of a run, by name."""

    place: Path

    def names(self) -> list[str]:
        """The names of all files, with ``/`` between their parts, sorted."""
        ...

    def read(self, name: str) -> bytes:
        """The content of a file; raises ``KeyError`` or `DamagedFileError`."""
        ...


class FolderEvidence:
    """The files in a run's folder, but for those that are hidden or only half written."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def names(self) -> list[str]:
        """The names of all files."""
        return sorted(
            path.relative_to(self.place).as_posix()
            for path in self.place.rglob("*")
            if path.is_file()
            and not any(part.startswith(".") for part in path.relative_to(self.place).parts)
        )

    def read(self, name: str) -> bytes:
        """The content of a file."""
        try:
            return (self.place / name).read_bytes()
        except FileNotFoundError:
            raise KeyError(name) from None
        except OSError as error:
            raise DamagedFileError(name, f"cannot be read: {error.strerror}") from error


class BundleEvidence:
    """The files in a bundle; nothing is unpacked to disk."""

    def __init__(self, place: Path, archive: zipfile.ZipFile) -> None:
        self.place = place
        self._archive = archive
        listed = [info for info in archive.infolist() if not info.is_dir()]
        if sum(info.file_size for info in listed) > MOST_UNPACKED_BYTES:
            raise NotARunError(place, f"it claims to hold more than {MOST_UNPACKED_BYTES} bytes")
        inside = [info for info in listed if info.filename.rpartition("/")[2] == ENVIRONMENT_FILE]
        if not inside:
            raise NotARunError(place, f"a bundle without {ENVIRONMENT_FILE}")
        root = min((info.filename for info in inside), key=len).removesuffix(ENVIRONMENT_FILE)
        self._members = {
            info.filename.removeprefix(root)
            if info.filename.startswith(root)
            else info.filename: info
            for info in listed
        }
        if len(self._members) != len(listed):
            raise NotARunError(place, "a bundle that holds a file twice")

    def names(self) -> list[str]:
        """The names of all files."""
        return sorted(self._members)

    def read(self, name: str) -> bytes:
        """The content of a file."""
        try:
            return self._archive.read(self._members[name])
        except (
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
            NotImplementedError,
            RuntimeError,
        ) as error:
            raise DamagedFileError(name, f"damaged in the bundle: {error}") from error


@contextmanager
def open_evidence(place: Path) -> Iterator[Evidence]:
    """Open a run's folder or a bundle; `NotARunError` if the path is neither."""
    if place.is_dir():
        if not (place / ENVIRONMENT_FILE).is_file():
            raise NotARunError(place, f"a folder without {ENVIRONMENT_FILE}")
        yield FolderEvidence(place)
    elif place.is_file():
        try:
            archive = zipfile.ZipFile(place)
        except (zipfile.BadZipFile, OSError) as error:
            raise NotARunError(place, f"not a bundle: {error}") from error
        with archive:
            yield BundleEvidence(place, archive)
    else:
        raise NotARunError(place, "there is no such file or folder")
