"""The bundle: a run as one zip that a stranger can check again; the same run, the same bytes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gp_helpers.evidence.errors import NotARunError, SecretFoundError
from gp_helpers.evidence.files import write_atomically
from gp_helpers.evidence.folder import RunFolder
from gp_helpers.evidence.manifest import MANIFEST_FILE
from gp_helpers.evidence.secret_scan import (
    Scanner,
    SecretScan,
    with_those_left,
)
from gp_helpers.evidence.source import DamagedFileError, FolderEvidence
from gp_helpers.evidence.stated_secrets import stated_secrets

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can state; wall times stand in the evidence itself."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A zip that was written, and the scan of exactly what went into it."""

    path: Path
    scan: SecretScan


def bundle(place: Path, target: Path | None = None, *, canaries: Iterable[str] = ()) -> Bundle:
    """Write the zip of a finalised run; by default beside its folder, ``<run-id>.zip``.

    Each file is searched for secrets as it is packed. Raises `NotARunError` for a run that is not
    finalised or that holds a file that cannot be read, `SecretFoundError` if a secret is found in
    it or was by a kernel of the run, and `EvidenceWriteError`.
    """
    run = RunFolder.join(place)
    evidence = FolderEvidence(place)
    if MANIFEST_FILE not in evidence.names():
        raise NotARunError(place, f"it has no {MANIFEST_FILE}: finalise it first")
    target = target or place.parent / f"{run.run_id}.zip"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        secrets = {*canaries, *stated_secrets(run.environment.get("parameters"))}
        scanned = Scanner(secrets).scan_files(_packed(evidence, archive, run.run_id))
    scanned = with_those_left(place, scanned)
    if not scanned.is_clean:
        raise SecretFoundError(place, [str(one) for one in scanned.findings])
    write_atomically(target, packed.getvalue())
    return Bundle(target, scanned)


def _packed(
    evidence: FolderEvidence, archive: zipfile.ZipFile, run_id: str
) -> Iterator[tuple[str, bytes]]:
    """Pack each file; yields its name and what was packed."""
    for name in evidence.names():
        try:
            content = evidence.read(name)
        except DamagedFileError as error:
            raise NotARunError(evidence.place, str(error)) from error
        info = zipfile.ZipInfo(f"{run_id}/{name}", _EPOCH)
        info.compress_type = zipfile.ZIP_DEFLATED
        info.create_system = 3  # Unix, so that the permissions below are read
        info.external_attr = 0o100644 << 16
        archive.writestr(info, content)
        yield name, content
