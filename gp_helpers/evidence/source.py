"""Where evidence is read from: a run's folder, or the zip that was made of one.

A stranger may have made either. Nothing is read that is not a plain file of the run itself, and
nothing is unpacked beyond a limit; what is there beside the evidence is named.
"""

from __future__ import annotations

import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Protocol

from gp_helpers.evidence.errors import NotARunError
from gp_helpers.evidence.folder import ENVIRONMENT_FILE, OWNER_FILE, is_marked_by_owner

MOST_UNPACKED_BYTES = 4 * 1024**3
"""A bundle that claims to hold more is not opened."""
MOST_BYTES_OF_A_FILE = 1024**3
MOST_FILES = 100_000
MOST_PACKED_TO_ONE = 100
"""A history packs to a twentieth of itself; what packs to far less is made to fill a memory …"""
_SMALL_BYTES = 1024**2
"""… unless it is as small as this."""
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_AT_ONCE_BYTES = 1024**2
DAMAGED_ZIP = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
)
"""What reading a zip raises whose bytes somebody made: names, offsets and sizes are theirs."""
_PLAIN_PART = re.compile(r"[^\x00-\x1f\x7f\\:]+")
_UNIX = 3
_END_BYTES = 22
"""The end record of a zip without a comment."""


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

    def size(self, name: str) -> int:
        """The bytes that a file is said to have; 0 if nobody says."""
        ...

    def others(self) -> list[tuple[str, str]]:
        """What is there and is no evidence: its name, and what it is."""
        ...

    def in_another_process(self) -> Evidence:
        """The same evidence for a forked process, with nothing open that both would read from."""
        ...


def readable(evidence: Evidence) -> Callable[[str], bytes | None]:
    """What gives a file's content by its name, and None for one that cannot be had."""

    def read(name: str) -> bytes | None:
        try:
            return evidence.read(name)
        except (KeyError, DamagedFileError):
            return None

    return read


class FolderEvidence:
    """The plain files in a run's folder, but for those that are hidden or only half written."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def names(self) -> list[str]:
        """The names of all files."""
        return sorted(name for name, what in self._all() if what is None)

    def others(self) -> list[tuple[str, str]]:
        """What is hidden, empty, a link, or no file; but for the mark of a living owner."""
        return sorted(
            (name, what)
            for name, what in self._all()
            if what is not None and not (name == OWNER_FILE and is_marked_by_owner(self.place))
        )

    def _all(self, under: str = "") -> Iterator[tuple[str, str | None]]:
        """Every name and what is wrong with it; what is hidden is not looked into."""
        with os.scandir(self.place / under) as found:
            entries = list(found)
        if under and not entries:
            yield under, "an empty folder"
        for entry in entries:
            name = f"{under}{entry.name}"
            if entry.is_symlink():
                yield name, "a link, which is not followed"
            elif entry.name.startswith("."):
                yield name, "hidden"
            elif entry.is_dir():
                yield from self._all(f"{name}/")
            elif entry.is_file():
                yield name, None
            else:
                yield name, "neither a file nor a folder"

    def in_another_process(self) -> FolderEvidence:
        """Itself: nothing is open between two files."""
        return self

    def size(self, name: str) -> int:
        """The bytes that a file has."""
        try:
            return (self.place / name).lstat().st_size
        except OSError:
            return 0

    def read(self, name: str) -> bytes:
        """The content of a file."""
        try:
            handle = os.open(
                self.place / name,
                os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0),
            )
            with open(handle, "rb") as file:
                about = os.fstat(handle)
                if not stat.S_ISREG(about.st_mode):
                    raise DamagedFileError(name, "not a file")
                if about.st_size > MOST_BYTES_OF_A_FILE:
                    raise DamagedFileError(name, _too_large(about.st_size))
                return file.read()
        except (FileNotFoundError, NotADirectoryError):
            raise KeyError(name) from None
        except OSError as error:
            raise DamagedFileError(name, f"cannot be read: {error.strerror}") from error


class BundleEvidence:
    """The files in a bundle; nothing is unpacked to disk."""

    def __init__(self, place: Path, archive: zipfile.ZipFile) -> None:
        self.place = place
        self._archive = archive
        infos = archive.infolist()
        if len(infos) > MOST_FILES:
            raise NotARunError(place, f"it claims to hold more than {MOST_FILES} files")
        listed = [info for info in infos if not _is_a_folder(info)]
        if sum(info.file_size for info in listed) > MOST_UNPACKED_BYTES:
            raise NotARunError(place, f"it claims to hold more than {MOST_UNPACKED_BYTES} bytes")
        plain = [info for info in listed if _why_not_plain(info.filename, _mode(info)) is None]
        inside = [info for info in plain if info.filename.rpartition("/")[2] == ENVIRONMENT_FILE]
        if not inside:
            raise NotARunError(place, f"a bundle without {ENVIRONMENT_FILE}")
        root = min((info.filename for info in inside), key=len).removesuffix(ENVIRONMENT_FILE)
        self._members = {info.filename.removeprefix(root): info for info in plain}
        if len(self._members) != len(plain) or len({i.filename for i in listed}) != len(listed):
            raise NotARunError(place, "a bundle that holds a file twice")
        self._others = sorted(
            [
                *(
                    (info.filename, why)
                    for info in listed
                    if (why := _why_not_plain(info.filename, _mode(info))) is not None
                ),
                *_beside_members(archive, place),
            ]
        )

    def names(self) -> list[str]:
        """The names of all files."""
        return sorted(self._members)

    def others(self) -> list[tuple[str, str]]:
        """Members that are no plain files of a run, by their full names; what no member holds."""
        return self._others

    def in_another_process(self) -> BundleEvidence:
        """The bundle, opened again: a handle's place in the file is one for all processes."""
        return BundleEvidence(self.place, zipfile.ZipFile(self.place))

    def size(self, name: str) -> int:
        """The bytes that a member is said to have."""
        return self._members[name].file_size

    def read(self, name: str) -> bytes:
        """The content of a file."""
        info = self._members[name]
        if (why := why_not_unpacked(info, MOST_BYTES_OF_A_FILE)) is not None:
            raise DamagedFileError(name, why)
        try:
            with self._archive.open(info) as packed:
                return unpacked(packed, info.file_size)
        except DAMAGED_ZIP as error:
            raise DamagedFileError(name, f"damaged in the bundle: {error}") from error


def why_not_unpacked(info: zipfile.ZipInfo, most: int) -> str | None:
    """Why a member of a zip is not unpacked; None if it may be."""
    if info.compress_type not in _METHODS:
        return "packed by a method that no bundle has"
    if info.file_size > most:
        return _too_large(info.file_size)
    if info.file_size > max(_SMALL_BYTES, MOST_PACKED_TO_ONE * info.compress_size):
        return f"{info.compress_size} bytes that claim to hold {info.file_size}"
    return None


def unpacked(packed: IO[bytes], stated: int) -> bytes:
    """The content of a member, bit by bit, and never more than it is stated to hold."""
    parts, size = [], 0
    while size <= stated and (part := packed.read(_AT_ONCE_BYTES)):
        parts.append(part)
        size += len(part)
    return b"".join(parts)


def _too_large(size: int) -> str:
    return f"{size} bytes: too large to be read"


def _is_a_folder(info: zipfile.ZipInfo) -> bool:
    return info.is_dir() and not info.file_size


def _beside_members(archive: zipfile.ZipFile, place: Path) -> Iterator[tuple[str, str]]:
    """What a zip holds where no bundle has anything, and no digest covers it."""
    infos = archive.infolist()
    if min((info.header_offset for info in infos), default=0) > 0:
        yield place.name, "bytes in front of its first member"
    if archive.comment:
        yield place.name, "a comment"
    elif not _ends_with_its_directory(place):
        yield place.name, "bytes behind its directory"
    for info in infos:
        if _is_a_folder(info):
            yield info.filename, "a folder, of which no bundle tells"
        if info.comment:
            yield info.filename, "a comment on it"


def _ends_with_its_directory(place: Path) -> bool:
    with place.open("rb") as file:
        file.seek(-_END_BYTES, os.SEEK_END)
        end = file.read()
    return end.startswith(b"PK\x05\x06") and end.endswith(b"\0\0")


def _mode(info: zipfile.ZipInfo) -> int:
    return info.external_attr >> 16 if info.create_system == _UNIX else 0


def _why_not_plain(name: str, mode: int) -> str | None:
    """Why a member of a bundle is no plain file of a run; None if it is."""
    parts = name.split("/")
    if any(part in ("", ".", "..") for part in parts):
        return "a path that leads elsewhere"
    if not all(_PLAIN_PART.fullmatch(part) for part in parts):
        return "a path that no run has"
    if stat.S_ISLNK(mode):
        return "a link, which is not followed"
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return "neither a file nor a folder"
    if any(part.startswith(".") for part in parts):
        return "hidden"
    return None


@contextmanager
def open_evidence(place: Path) -> Iterator[Evidence]:
    """Open a run's folder or a bundle; `NotARunError` if the path is neither."""
    environment = place / ENVIRONMENT_FILE
    try:
        is_folder, is_file = place.is_dir(), place.is_file()
        is_run = is_folder and environment.is_file() and not environment.is_symlink()
    except OSError as error:
        raise NotARunError(place, f"cannot be read: {error.strerror}") from error
    if is_folder:
        if not is_run:
            raise NotARunError(place, f"a folder without {ENVIRONMENT_FILE}")
        yield FolderEvidence(place)
    elif is_file:
        try:
            archive = zipfile.ZipFile(place)
        except DAMAGED_ZIP as error:
            raise NotARunError(place, f"not a bundle: {error}") from error
        with archive:
            yield BundleEvidence(place, archive)
    else:
        raise NotARunError(place, "there is no such file or folder")
