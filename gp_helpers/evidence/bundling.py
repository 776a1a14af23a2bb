"""The bundle: a run as one zip that a stranger can check again; the same run, the same bytes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from pathlib import Path

from gp_helpers.evidence.errors import NotARunError, SecretFoundError
from gp_helpers.evidence.files import write_atomically
from gp_helpers.evidence.folder import RunFolder
from gp_helpers.evidence.manifest import MANIFEST_FILE
from gp_helpers.evidence.secret_scan import environment_secrets, scan
from gp_helpers.evidence.source import FolderEvidence

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can state; wall times stand in the evidence itself."""


def bundle(place: Path, target: Path | None = None, *, canaries: Iterable[str] = ()) -> Path:
    """Write the zip of a finalised run; by default beside its folder, ``<run-id>.zip``.

    Raises `NotARunError` for a run that is not finalised, `SecretFoundError` if a scan finds a
    secret in it, and `EvidenceWriteError`.
    """
    run = RunFolder.join(place)
    evidence = FolderEvidence(place)
    if MANIFEST_FILE not in evidence.names():
        raise NotARunError(place, f"it has no {MANIFEST_FILE}: finalise it first")
    found = scan(place, {*canaries, *environment_secrets(run.environment.get("parameters"))})
    if not found.is_clean:
        raise SecretFoundError(place, [str(one) for one in found.findings])
    target = target or place.parent / f"{run.run_id}.zip"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name in evidence.names():
            info = zipfile.ZipInfo(f"{run.run_id}/{name}", _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3  # Unix, so that the permissions below are read
            info.external_attr = 0o100644 << 16
            archive.writestr(info, evidence.read(name))
    write_atomically(target, packed.getvalue())
    return target
