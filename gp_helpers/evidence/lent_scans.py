"""What the scans of a lending run found in the histories that it lent (decision 0012).

A contrast that was taken from the run beside holds what that run's people knew; only the kernel
that recorded it could look for that, and left its findings in its own run's ``scans/``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gp_helpers.evidence.files import as_json, write_atomically
from gp_helpers.evidence.secret_scan import SCANS_FOLDER

_SOURCE = re.compile(r"(?P<run>[A-Za-z0-9][\w.-]*)/(?P<file>histories/[\w.-]+)")
LENT = f"{SCANS_FOLDER}/lent.json"


def leave_lent_findings(run: Path) -> None:
    """Write what lending runs found in the contrasts of a run beside its own scans.

    Does nothing where none was lent, or where it was written before and the lenders are elsewhere
    by now. A lender that left no scan is a finding.
    """
    lent = dict(_lent(run))
    lenders = {source["run"] for source in lent.values()}
    if not lent or (
        (run / LENT).exists() and not all((run.parent / one).is_dir() for one in lenders)
    ):
        return
    findings = [found for copy, source in lent.items() for found in _findings(run, copy, source)]
    about = {"schema": 1, "known_secrets": 0, "too_short_to_look_for": 0}
    write_atomically(run / LENT, as_json({**about, "findings": findings}))


def _lent(run: Path) -> Iterator[tuple[str, re.Match[str]]]:
    """Each lent contrast of a run, and where it was taken from."""
    for path in sorted((run / "histories").glob("*.contrast.*.jsonl")):
        source = _SOURCE.fullmatch(_taken_from(path))
        if source is not None:
            yield f"histories/{path.name}", source


def _findings(run: Path, copy: str, source: re.Match[str]) -> Iterator[dict[str, Any]]:
    scans = sorted((run.parent / source["run"] / SCANS_FOLDER).glob("*.json"))
    if not scans:
        yield {"file": copy, "what": f"{source['run']}, which lent it, has no scan", "line": 1}
    for scan in scans:
        try:
            found = json.loads(scan.read_bytes())["findings"]
            yield from ({**one, "file": copy} for one in found if one["file"] == source["file"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            what = f"{source['run']}/{SCANS_FOLDER}/{scan.name} cannot be read: {error!r}"
            yield {"file": copy, "what": what, "line": 1}


def _taken_from(history: Path) -> str:
    with history.open("rb") as file:
        try:
            return str(json.loads(file.readline())["data"].get("taken_from"))
        except (ValueError, KeyError, TypeError, AttributeError):
            return ""
