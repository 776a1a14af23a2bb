"""``manifest.json``: a SHA-256 for every file, marks for the lines of histories, a root digest.

The root digest is the SHA-256 of the manifest without it: who knows it from elsewhere can tell a
consistent forgery; who does not can tell damage alone.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from gp_helpers.evidence.files import as_json, encoded, sha256
from gp_helpers.evidence.source import DamagedFileError, Evidence

MANIFEST_FILE = "manifest.json"
NEVER_FINALISED = "missing: the run was never finalised"
SCHEMA = 1
_MOST_MARKS = 20_000
"""A history with more lines has one mark for several of them."""
_MARK_BYTES = 4
_KEYS = frozenset({"schema", "run", "files", "digest"})
_KEYS_OF_A_FILE = frozenset({"sha256", "bytes", "lines"})
_KEYS_OF_LINES = frozenset({"count", "lines_per_mark", "marks"})


@dataclass(frozen=True, slots=True)
class Damage:
    """One place where files and manifest disagree."""

    file: str
    line: str | None
    """The line, or the range of lines, where it can be told."""
    description: str


def is_history(name: str) -> bool:
    """Whether a file of a run is a history."""
    return name.startswith("histories/") and name.endswith(".jsonl")


def line_marks(content: bytes) -> dict[str, Any]:
    """What the manifest says about the lines of a history: a CRC-32 for each, or for some."""
    lines = content.split(b"\n")
    count = len(lines) - 1
    each = max(1, -(-count // _MOST_MARKS))
    return {"count": count, "lines_per_mark": each, "marks": _marks(lines, each).decode()}


def _marks(lines: list[bytes], each: int) -> bytes:
    if each == 1:
        sums = [zlib.crc32(line) for line in lines]
    else:
        sums = [
            zlib.crc32(b"\n".join(lines[start : start + each]))
            for start in range(0, len(lines), each)
        ]
    return base64.b64encode(b"".join(one.to_bytes(_MARK_BYTES, "big") for one in sums))


class Contents(Protocol):
    """Files by name."""

    def names(self) -> list[str]: ...

    def read(self, name: str) -> bytes: ...


def build(evidence: Contents, run_id: str) -> dict[str, Any]:
    """The manifest of what is there, with its root digest."""
    files: dict[str, Any] = {}
    for name in evidence.names():
        if name == MANIFEST_FILE:
            continue
        content = evidence.read(name)
        files[name] = {"sha256": sha256(content), "bytes": len(content)}
        if is_history(name):
            files[name]["lines"] = line_marks(content)
    manifest: dict[str, Any] = {"schema": SCHEMA, "run": run_id, "files": files}
    return {**manifest, "digest": root_digest(manifest)}


def root_digest(manifest: Mapping[str, Any]) -> str:
    """The root digest of a manifest, whatever digest it states itself."""
    stated = {key: value for key, value in manifest.items() if key != "digest"}
    canonical = json.dumps(stated, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return sha256(canonical.encode())


def read_manifest(evidence: Evidence) -> tuple[dict[str, Any] | None, list[Damage]]:
    """The manifest, and what is wrong with it by itself."""
    try:
        content = evidence.read(MANIFEST_FILE)
    except KeyError:
        return None, [Damage(MANIFEST_FILE, None, NEVER_FINALISED)]
    except DamagedFileError as error:
        return None, [Damage(MANIFEST_FILE, None, error.reason)]
    try:
        manifest = json.loads(content)
        files = manifest["files"]
        digest = root_digest(manifest)
        well_formed = isinstance(files, dict) and all(
            isinstance(stated, dict) and isinstance(stated.get("sha256"), str)
            for stated in files.values()
        )
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        return None, [Damage(MANIFEST_FILE, None, f"not a manifest: {error}")]
    if not well_formed:
        return None, [Damage(MANIFEST_FILE, None, "not a manifest")]
    found = [Damage(MANIFEST_FILE, None, f"unknown key {key}") for key in _unknown_keys(manifest)]
    if manifest.get("digest") != digest:
        found.append(Damage(MANIFEST_FILE, None, "its digest is not that of its content"))
    if encoded(as_json(manifest)) != content:
        found.append(Damage(MANIFEST_FILE, None, "not in the form in which it was written"))
    return manifest, found


def _unknown_keys(manifest: Mapping[str, Any]) -> Iterator[str]:
    yield from (key for key in manifest if key not in _KEYS)
    for name, stated in manifest["files"].items():
        yield from (f"{key} of {name}" for key in stated if key not in _KEYS_OF_A_FILE)
        lines = stated.get("lines")
        if isinstance(lines, dict):
            yield from (f"lines.{key} of {name}" for key in lines if key not in _KEYS_OF_LINES)


def compare_file(name: str, content: bytes, stated: Mapping[str, Any]) -> list[Damage]:
    """Where the content of a file differs from what the manifest says."""
    if sha256(content) == stated["sha256"]:
        return []
    lines = stated.get("lines")
    if is_history(name) and isinstance(lines, dict):
        return [Damage(name, *_where(content, lines))]
    before, now = stated.get("bytes"), len(content)
    size = f"{before} bytes then, {now} now" if before != now else "the same length"
    return [Damage(name, None, f"changed ({size})")]


def _where(content: bytes, stated: Mapping[str, Any]) -> tuple[str | None, str]:
    """The lines of a history that differ, and how."""
    try:
        each, count = int(stated["lines_per_mark"]), int(stated["count"])
        then = _split(base64.b64decode(stated["marks"], validate=True))
        now = _split(base64.b64decode(_marks(content.split(b"\n"), each)))
    except (KeyError, TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None, "changed, and its line marks cannot be read"
    if then == now:
        return None, "changed, and its line marks do not tell where"
    first = _common(then, now)
    last = _common(then[::-1], now[::-1])
    last = min(last, len(then) - first, len(now) - first)
    if each > 1:
        # A line that is added or lost moves all marks behind it.
        moved = count != content.count(b"\n")
        end = "" if moved else f" to {(len(now) - last) * each}"
        return f"{first * each + 1}{end}", "changed between these lines"
    return _how(then, now, first, last)


def _how(then: list[bytes], now: list[bytes], first: int, last: int) -> tuple[str, str]:
    middle_then, middle_now = then[first : len(then) - last], now[first : len(now) - last]
    line = str(first + 1)
    if not middle_now and middle_then:
        lost = len(middle_then)
        return line, "a line was dropped here" if lost == 1 else f"{lost} lines were dropped here"
    if not middle_then and middle_now:
        return line, f"{len(middle_now)} line(s) were added"
    if len(middle_then) == len(middle_now):
        differing = [at for at, pair in enumerate(zip(middle_then, middle_now, strict=True))
                     if pair[0] != pair[1]]  # fmt: skip
        if len(differing) == 1:
            return line, "this line was changed"
        a, b = differing[0], differing[-1]
        if (
            len(differing) == 2
            and middle_then[a] == middle_now[b]
            and middle_then[b] == middle_now[a]
        ):
            return f"{first + a + 1} and {first + b + 1}", "these two lines were swapped"
        return ", ".join(str(first + at + 1) for at in differing[:5]), (
            f"{len(differing)} lines were changed"
        )
    return line, f"changed from here on ({len(then) - 1} lines then, {len(now) - 1} now)"


def _split(marks: bytes) -> list[bytes]:
    return [marks[at : at + _MARK_BYTES] for at in range(0, len(marks), _MARK_BYTES)]


def _common(left: list[bytes], right: list[bytes]) -> int:
    for at, (one, other) in enumerate(zip(left, right, strict=False)):
        if one != other:
            return at
    return min(len(left), len(right))
