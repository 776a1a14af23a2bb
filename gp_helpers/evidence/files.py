"""Files that are there whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from gp_helpers.evidence.errors import EvidenceWriteError


def write_atomically(path: Path, content: bytes | str) -> None:
    """Write a file beside its place, then move it there; `EvidenceWriteError` if that fails."""
    data = encoded(content) if isinstance(content, str) else content
    temporary: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(
            prefix=f".{path.name}.", suffix=".tmp", dir=path.parent
        )
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
        raise EvidenceWriteError(path, error) from error


def encoded(text: str) -> bytes:
    """Text as UTF-8; what a server may send and UTF-8 cannot say (half a surrogate) is escaped.

    In JSON the escape stands for the same again.
    """
    return text.encode("utf-8", "backslashreplace")


def as_json(value: Any) -> str:
    """JSON for people and programs: indented, keys in the order in which they were stated."""
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def sha256(data: bytes) -> str:
    """The SHA-256 of data, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def shown_size(count: int) -> str:
    """A number of bytes for people."""
    if count < 1024:
        return f"{count} B"
    if count < 1024 * 1024:
        return f"{count / 1024:.1f} KB"
    return f"{count / 1024 / 1024:.1f} MB"
