"""What can be done for a run's end while it goes on: pages, judged trials, files without secrets.

Trials and files are remembered by their content, so that what has changed since is done again.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from gp_helpers.evidence.exhibits import Exhibit, exhibit
from gp_helpers.evidence.folder import RunFolder
from gp_helpers.evidence.notebook_html import notebook_html
from gp_helpers.evidence.rederiving import exchanges_of
from gp_helpers.evidence.secret_scan import Scanner, files_of
from gp_helpers.evidence.source import FolderEvidence, readable
from gp_helpers.evidence.stated_secrets import stated_secrets
from gp_helpers.evidence.trial_results import (
    RecordedTrial,
    TrialResult,
    judged_pair,
    recorded_trials,
    trial_files,
)

_MARKER = re.compile(r"‹([a-z][a-z0-9_ -]*?)(?:,[^›]*| [0-9a-f]{12})?›", re.IGNORECASE)


@dataclass(frozen=True)
class GatheredTrial:
    """What a run's end takes from a trial's history and its contrast's."""

    result: TrialResult
    exchanges: tuple[str, ...]
    """Its lines of ``traffic.har``."""
    exhibit: Exhibit
    redacted: Mapping[str, int]
    """How often what kind of secret was taken out when it was recorded."""


class HeadStart:
    """What is known of a run's files by now."""

    def __init__(self) -> None:
        self.pages: set[Path] = set()
        """Notebooks that are pages already."""
        self._trials: dict[tuple[str, bytes, bytes], GatheredTrial] = {}
        self._scanners: dict[frozenset[str], Scanner] = {}

    def take(self, run: RunFolder, notebook: Path, cases: Collection[str]) -> None:
        """Do what can be done for an executed notebook of a run, and for its cases.

        Raises ``ValueError`` if it cannot be read as a notebook, and `EvidenceWriteError`.
        """
        evidence = FolderEvidence(run.path)
        names = [name for name in evidence.names() if any(is_about(name, one) for one in cases)]
        for recorded in recorded_trials(trial_files(names), readable(evidence)):
            self.gathered(recorded)
        write_page(run, notebook)
        self.pages.add(notebook)
        names += [notebook.name, page_of(notebook)]
        secrets = stated_secrets(run.environment.get("parameters"))
        self.scanner(secrets).scan_files(files_of(run.path, set(names).__contains__))

    def gathered(self, recorded: RecordedTrial) -> GatheredTrial:
        """A trial, judged, with what is made of it."""
        of = (recorded.name, _digest(recorded.content), _digest(recorded.contrast or b""))
        if of not in self._trials:
            self._trials[of] = _gathered(recorded)
        return self._trials[of]

    def scanner(self, secrets: Iterable[str]) -> Scanner:
        """What looks for these secrets."""
        wanted = frozenset(secrets)
        if wanted not in self._scanners:
            self._scanners[wanted] = Scanner(wanted)
        return self._scanners[wanted]


def _gathered(recorded: RecordedTrial) -> GatheredTrial:
    result, history, contrast = judged_pair(recorded)
    return GatheredTrial(
        result,
        tuple(exchanges_of(result, history, contrast)),
        exhibit(result, history, contrast),
        Counter(
            match[1].lower()
            for content in filter(None, (recorded.content, recorded.contrast))
            for match in _MARKER.finditer(content.decode("utf-8", "replace"))
        ),
    )


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def page_of(notebook: Path) -> str:
    """The name of a notebook's page in its run."""
    return f"{notebook.stem}.html"


def write_page(run: RunFolder, notebook: Path) -> None:
    """Write an executed notebook of a run as HTML.

    Raises ``ValueError`` if it cannot be read as a notebook, and `EvidenceWriteError`.
    """
    run.write_text(page_of(notebook), notebook_html(notebook, title=notebook.stem))


def is_about(name: str, case_id: str) -> bool:
    """Whether a file of a run is a history, a figure or a log of one case."""
    folder, _, rest = name.partition("/")
    return folder in ("histories", "figures", "logs") and rest.startswith(
        (f"{case_id}.", f"{case_id}/")
    )
