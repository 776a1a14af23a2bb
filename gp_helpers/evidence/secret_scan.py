"""The scan for secrets: every file of a run, zip members and base64 included.

It looks for known secrets (canaries, what the environment holds) in the forms in which they may
turn up, and for what is a secret by its shape. What it says never holds the secret.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import re
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gp_helpers.evidence.files import as_json, encoded, write_atomically
from gp_helpers.evidence.needles import SHORTEST, Needles
from gp_helpers.evidence.source import (
    DAMAGED_ZIP,
    DamagedFileError,
    FolderEvidence,
    unpacked,
    why_not_unpacked,
)
from gp_helpers.history import fingerprint
from gp_helpers.history.secret_forms import (
    encodings,
    is_json_web_token,
    private_keys_in,
    tokens_in,
    vendor_keys_in,
)

SCANS_FOLDER = "scans"
_DEEPEST = 3
_MOST_UNPACKED = 64 * 1024 * 1024
_SHORTEST_BASE64 = 24
_BASE64_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_-"
_ONLY_BASE64 = bytes(byte if byte in _BASE64_LETTERS else 0x20 for byte in range(256))
_HEXADECIMAL = re.compile(rb"[0-9a-f-]+")
_ONE_ALPHABET = bytes.maketrans(b"-_", b"+/")


@dataclass(frozen=True, slots=True)
class SecretFinding:
    """One secret, somewhere in the evidence."""

    file: str
    """The file; a member of a zip or what base64 held is named behind it."""
    what: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}: {self.what}"


@dataclass(frozen=True, slots=True)
class SecretScan:
    """What a scan looked at, looked for, and found."""

    files: int
    bytes: int
    secrets: int
    """How many known secrets were looked for."""
    too_short: int
    """Known secrets that are too short to be looked for."""
    findings: tuple[SecretFinding, ...]

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    def to_json(self) -> dict[str, Any]:
        """The scan as plain JSON."""
        return {
            "schema": 1,
            "files": self.files,
            "bytes": self.bytes,
            "known_secrets": self.secrets,
            "too_short_to_look_for": self.too_short,
            "looked_for_by_shape": ["JSON Web Token", "private key", "vendor key"],
            "findings": [
                {"file": one.file, "line": one.line, "what": one.what} for one in self.findings
            ],
        }


def scan(place: Path, canaries: Iterable[str] = ()) -> SecretScan:
    """Look for secrets in every file of a run's folder, or in one file (a bundle, for instance)."""
    return Scanner(canaries).scan_files(files_of(place))


class Scanner:
    """Looks for known secrets and for secrets' shapes; once in what is the same and has none."""

    def __init__(self, canaries: Iterable[str] = ()) -> None:
        self._needles, self._count, self._too_short = _needles(canaries)
        self._without_secrets: set[bytes] = set()
        """Digests of contents."""

    def scan_files(self, named: Iterable[tuple[str, bytes]]) -> SecretScan:
        """Look in files, by name, and in their names; they may not be written yet."""
        findings: list[SecretFinding] = []
        files = size = 0
        for name, content in named:
            files += 1
            size += len(content)
            findings += _in_name(name, self._needles) or self._in_content(name, content)
        found = tuple(dict.fromkeys(findings))
        return SecretScan(files, size, self._count, self._too_short, found)

    def _in_content(self, name: str, content: bytes) -> list[SecretFinding]:
        digest = hashlib.sha256(content).digest()
        if digest in self._without_secrets:
            return []
        found = list(_search(name, content, self._needles, 0))
        if not found:
            self._without_secrets.add(digest)
        return found


def leave_scan(run: Path, name: str, secrets: Iterable[str], cases: Collection[str]) -> None:
    """Look for secrets that only this process knows in what it wrote about these cases.

    What was found is left in the run for `finalise`; the secrets are not.
    """

    def is_about(file: str) -> bool:
        return bool(file.rpartition("/")[0]) and any(f"/{case}." in file for case in cases)

    left = Scanner(secrets).scan_files(files_of(run, is_about))
    write_atomically(run / SCANS_FOLDER / f"{name}.json", as_json(left.to_json()))


def with_those_left(run: Path, scanned: SecretScan) -> SecretScan:
    """A scan together with those that `leave_scan` left; one that cannot be read is a finding."""
    secrets, too_short, findings = scanned.secrets, scanned.too_short, list(scanned.findings)
    for path in sorted((run / SCANS_FOLDER).glob("*.json")):
        try:
            left = json.loads(path.read_bytes())
            secrets += int(left["known_secrets"])
            too_short += int(left["too_short_to_look_for"])
            findings += [
                SecretFinding(str(one["file"]), str(one["what"]), int(one["line"]))
                for one in left["findings"]
            ]
        except (OSError, ValueError, KeyError, TypeError) as error:
            name = f"{SCANS_FOLDER}/{path.name}"
            findings.append(SecretFinding(name, f"a scan that cannot be read: {error!r}", 1))
    found = tuple(dict.fromkeys(findings))
    return SecretScan(scanned.files, scanned.bytes, secrets, too_short, found)


def _needles(canaries: Iterable[str]) -> tuple[Needles, int, int]:
    wanted = {canary for canary in canaries if canary}
    long_enough = {canary for canary in wanted if len(canary) >= SHORTEST}
    told_of: dict[bytes, str] = {}
    for canary in long_enough:
        for form in encodings(canary):
            told = "a known secret" if form == canary else "a known secret, encoded"
            told_of[form.encode("utf-8", "surrogatepass")] = f"{told} ({fingerprint(canary)})"
    return Needles(told_of), len(long_enough), len(wanted) - len(long_enough)


def files_of(
    place: Path, is_wanted: Callable[[str], bool] = lambda _: True
) -> Iterator[tuple[str, bytes]]:
    """The files of a run's folder by name, or one file; what cannot be read is left out."""
    if place.is_file():
        yield place.name, place.read_bytes()
        return
    evidence = FolderEvidence(place)
    for name in filter(is_wanted, evidence.names()):
        try:
            yield name, evidence.read(name)
        except (KeyError, DamagedFileError):
            continue


def _search(name: str, content: bytes, needles: Needles, depth: int) -> Iterator[SecretFinding]:
    for needle in needles.present_in(content):
        line = content.count(b"\n", 0, content.find(needle)) + 1
        yield SecretFinding(name, needles.told[needle], line)
    yield from _shapes(name, content, is_decoded=depth > 0)
    if depth < _DEEPEST:
        for inner, held in _members(name, content):
            if isinstance(held, str):
                yield SecretFinding(inner, f"cannot be searched: {held}", 1)
            else:
                yield from _search(inner, held, needles, depth + 1)
        for blob in _base64_in(content):
            for found in _search(name, _decoded(blob), needles, depth + 1):
                line = content.count(b"\n", 0, content.find(blob)) + 1
                yield SecretFinding(name, f"{found.what}, in base64", line)


def _in_name(name: str, needles: Needles) -> list[SecretFinding]:
    """Secrets in the name of a file, which is then not told."""
    folder = name.partition("/")[0] if "/" in name else "the run"
    return list(_search(f"a file's name in {folder}", encoded(name), needles, _DEEPEST))


def _base64_in(content: bytes) -> list[bytes]:
    """What may be base64, each once: the same ids and tokens come again and again.

    Digits alone are no base64 of anything.
    """
    words = dict.fromkeys(
        word for word in content.translate(_ONLY_BASE64).split() if len(word) >= _SHORTEST_BASE64
    )
    return [word for word in words if not _HEXADECIMAL.fullmatch(word)]


def _shapes(name: str, content: bytes, *, is_decoded: bool) -> Iterator[SecretFinding]:
    """What is a secret by its shape; what was decoded and is no text has none."""
    try:
        text = content.decode("utf-8", "strict" if is_decoded else "replace")
    except UnicodeDecodeError:
        return
    for found_in, what in (
        (private_keys_in, "a private key"),
        (vendor_keys_in, "a vendor key"),
        (_json_web_tokens_in, "a JSON Web Token"),
    ):
        for start in found_in(text):
            yield SecretFinding(name, what, text.count("\n", 0, start) + 1)
            break


def _json_web_tokens_in(text: str) -> Iterator[int]:
    for start, token in tokens_in(text):
        if is_json_web_token(token) and not token.endswith("."):
            yield start


def _members(name: str, content: bytes) -> Iterator[tuple[str, bytes | str]]:
    """What is packed in a file: the members of a zip, the content of a gzip; or why it cannot be
    had.
    """
    if b"PK\x05\x06" in content:
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                for info in archive.infolist():
                    inner = f"{name}!{info.filename}"
                    yield inner, _member(archive, info)
                    yield f"{name}!{info.filename} (its metadata)", info.comment + info.extra
                yield f"{name} (its comment)", archive.comment
        except DAMAGED_ZIP:
            return
    elif content[:2] == b"\x1f\x8b":
        try:
            with gzip.open(io.BytesIO(content)) as packed:
                yield f"{name} (unpacked)", packed.read(_MOST_UNPACKED)
                if packed.read(1):
                    yield f"{name} (unpacked)", f"more than {_MOST_UNPACKED} bytes"
        except (OSError, EOFError, zlib.error):
            return


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes | str:
    """The content of a member of a zip, or why it cannot be had; the others still can."""
    if (why := why_not_unpacked(info, _MOST_UNPACKED)) is not None:
        return why
    try:
        with archive.open(info) as packed:
            return unpacked(packed, info.file_size)
    except DAMAGED_ZIP as error:
        return f"damaged: {type(error).__name__}"


def _decoded(blob: bytes) -> bytes:
    """What base64 in either alphabet stands for; every text of its letters stands for something."""
    blob = blob[: len(blob) - (len(blob) % 4 == 1)]
    return base64.b64decode(blob.translate(_ONE_ALPHABET) + b"=" * (-len(blob) % 4))
