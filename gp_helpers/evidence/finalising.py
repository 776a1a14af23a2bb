"""The end of a run: from what was recorded to what is handed on. Works on partial runs too.

Nothing that a trial recorded is changed; what is made here follows from it, and can be made again.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gp_helpers.checkers import Outcome
from gp_helpers.evidence.environment import workbook_version
from gp_helpers.evidence.errors import RunFolderTakenError
from gp_helpers.evidence.exhibits import Exhibit
from gp_helpers.evidence.expected import ExitStatus, exit_status
from gp_helpers.evidence.files import as_json, encoded
from gp_helpers.evidence.folder import ENVIRONMENT_FILE, OWNER_FILE, RunFolder, living_owner
from gp_helpers.evidence.head_start import HeadStart, is_about, write_page
from gp_helpers.evidence.junit import junit
from gp_helpers.evidence.lent_scans import leave_lent_findings
from gp_helpers.evidence.manifest import MANIFEST_FILE
from gp_helpers.evidence.markup import data_uri
from gp_helpers.evidence.reading import VERDICTS_FILE
from gp_helpers.evidence.rederiving import (
    HAR_FILE,
    JUNIT_FILE,
    SUMMARY_FILE,
    har_of,
)
from gp_helpers.evidence.report import report
from gp_helpers.evidence.report_case import CaseMatter, notebook_of
from gp_helpers.evidence.sealing import Sealing
from gp_helpers.evidence.secret_scan import SecretScan, with_those_left
from gp_helpers.evidence.source import FolderEvidence, readable
from gp_helpers.evidence.stated_secrets import stated_secrets
from gp_helpers.evidence.summary import summary
from gp_helpers.evidence.trial_results import (
    TrialResult,
    recorded_trials,
    trial_files,
)
from gp_helpers.evidence.verdicts import assemble, stated_in

SCAN_FILE = "secrets.json"
INDEX_FILE = "index.html"
_REMADE = (
    ENVIRONMENT_FILE,
    HAR_FILE,
    INDEX_FILE,
    JUNIT_FILE,
    SCAN_FILE,
    SUMMARY_FILE,
    VERDICTS_FILE,
)
_MOST_FIGURE_CHARACTERS = 3_000_000
"""Figures beyond this stay files of their own, so that the page stays under 5 MB."""
_HALF_WRITTEN = (".tmp", ".unfinished")
_TELLING = (Outcome.FAIL, Outcome.ERROR, Outcome.INCONCLUSIVE, Outcome.PASS)


@dataclass(frozen=True)
class Finalised:
    """A run that is ready to be handed on."""

    path: Path
    digest: str
    """The root digest of the manifest: print it, and keep it elsewhere."""
    verdicts: Mapping[str, Any]
    """What ``verdicts.json`` says."""
    scan: SecretScan
    problems: tuple[str, ...]
    """What could not be made, and why; the rest is there."""

    @property
    def status(self) -> ExitStatus:
        """The exit status; a secret in the evidence is a defect of the workbook."""
        return exit_status(self.verdicts) if self.scan.is_clean else ExitStatus.BROKEN

    @property
    def index(self) -> Path:
        """The report."""
        return self.path / INDEX_FILE


def finalise(
    run: RunFolder | Path,
    *,
    reason: str | None = None,
    interrupted: bool = False,
    canaries: Iterable[str] = (),
    head_start: HeadStart | None = None,
) -> Finalised:
    """Derive the verdicts of a run, write everything that is made of them, and give it up.

    ``reason``: why the run ended before its end; None if it came to its end, or if nobody knows.
    ``interrupted``: somebody interrupted it. ``canaries``: secrets to look for, beside those of
    the environment. ``head_start``: what was done before the end. Raises `EvidenceWriteError`, and
    `RunFolderTakenError` while another process writes the run.
    """
    head_start = head_start or HeadStart()
    run = RunFolder.join(run) if isinstance(run, Path) else run
    owner = living_owner(run.path)
    if owner is not None:
        raise RunFolderTakenError(run.path, owner)
    was_sealed = (run.path / MANIFEST_FILE).exists()
    if run.owner_died and reason is None and not was_sealed:
        reason = "the process that ran it ended without finishing it"
    sealing = Sealing(run, _REMADE)
    environment = _ended(run, reason, interrupted)
    problems = list(_withheld(run))
    gathered = _Gathered(run, head_start)
    trials = list(gathered.trials())
    verdicts = assemble(environment, trials, stated_in(gathered.names, gathered.read))
    sealing.take(HAR_FILE, har_of(gathered.exchanges, str(environment["run"]), workbook_version()))
    sealing.take(ENVIRONMENT_FILE, as_json(environment))
    sealing.take(VERDICTS_FILE, as_json(verdicts))
    sealing.take(JUNIT_FILE, junit(verdicts))
    sealing.take(SUMMARY_FILE, summary(verdicts))
    problems += _notebooks(run, head_start.pages)
    secrets = {*canaries, *stated_secrets(environment.get("parameters"))}
    leave_lent_findings(run.path)
    scanner = head_start.scanner(secrets)
    scanned = with_those_left(run.path, scanner.scan_files(sealing.files()))
    index = _index(run, verdicts, environment, gathered, scanned)
    late = scanner.scan_files([(INDEX_FILE, encoded(index))])
    if not late.is_clean:
        findings = tuple(dict.fromkeys([*scanned.findings, *late.findings]))
        scanned = SecretScan(
            scanned.files, scanned.bytes, scanned.secrets, scanned.too_short, findings
        )
        index = _index(run, verdicts, environment, gathered, scanned)
    sealing.take(INDEX_FILE, index)
    sealing.take(SCAN_FILE, as_json(scanned.to_json()))
    _remove_what_a_kill_left(run)
    manifest = sealing.seal()
    run.environment = environment
    with contextlib.suppress(OSError):
        if run.owner_died:
            (run.path / OWNER_FILE).unlink(missing_ok=True)
    run.close()
    return Finalised(run.path, manifest["digest"], verdicts, scanned, tuple(problems))


def _ended(run: RunFolder, reason: str | None, interrupted: bool) -> dict[str, Any]:
    """The environment with the run's end in it; an end that is stated already stays."""
    environment = dict(run.environment)
    if environment.get("ended") is None or reason is not None or interrupted:
        environment["ended"] = {
            "at": datetime.now(UTC).isoformat(),
            "reason": reason or ("it was interrupted" if interrupted else None),
            "interrupted": interrupted,
        }
    return environment


class _Gathered:
    """What is taken from the histories in one pass, one history at a time."""

    def __init__(self, run: RunFolder, head_start: HeadStart) -> None:
        evidence = FolderEvidence(run.path)
        self._head_start = head_start
        self.names = evidence.names()
        self.read = readable(evidence)
        self.exchanges: list[str] = []
        self.exhibits: dict[str, Exhibit] = {}
        self.redacted: Counter[str] = Counter()

    def trials(self) -> Iterator[TrialResult]:
        """Every trial, judged; its exchanges and its exhibit are kept."""
        for recorded in recorded_trials(trial_files(self.names), self.read):
            one = self._head_start.gathered(recorded)
            self.exchanges.extend(one.exchanges)
            self.redacted.update(one.redacted)
            kept = self.exhibits.get(one.result.case)
            if kept is None or _tells_more(one.result, kept.trial):
                self.exhibits[one.result.case] = one.exhibit
            yield one.result


def _tells_more(one: TrialResult, other: TrialResult) -> bool:
    return _TELLING.index(one.verdict.outcome) < _TELLING.index(other.verdict.outcome)


def _withheld(run: RunFolder) -> Iterator[str]:
    """Remove the logs of applications whose trial never ended: their secrets are not known."""
    for folder in sorted((run.path / "logs").glob(".*/")):
        shutil.rmtree(folder, ignore_errors=True)
        yield (
            f"no logs of {folder.name.removeprefix('.')}: the trial was never closed, "
            "so which secrets they hold is not known"
        )


def _remove_what_a_kill_left(run: RunFolder) -> None:
    """Files that were half written when their process ended, and folders that nothing came into."""
    if run.owner_died:
        for path in run.path.rglob(".*"):
            if path.suffix in _HALF_WRITTEN and path.is_file():
                with contextlib.suppress(OSError):
                    path.unlink()
    for folder, _, _ in os.walk(run.path, topdown=False):
        with contextlib.suppress(OSError):
            os.rmdir(folder)


def _notebooks(run: RunFolder, pages: Collection[Path]) -> Iterator[str]:
    """Write each notebook as HTML; yields what could not be written as such."""
    for path in sorted(run.path.glob("*.ipynb")):
        if path in pages:
            continue
        try:
            write_page(run, path)
        except ValueError as error:
            yield f"no HTML of a notebook: {error}"


def _index(
    run: RunFolder,
    verdicts: Mapping[str, Any],
    environment: Mapping[str, Any],
    gathered: _Gathered,
    scanned: SecretScan,
) -> str:
    names = FolderEvidence(run.path).names()
    matters = {}
    room = _MOST_FIGURE_CHARACTERS
    for case in verdicts["cases"]:
        figures, files = {}, []
        for name in names:
            if not is_about(name, case["case"]):
                continue
            shown = _figure(run.path / name) if name.startswith("figures/") else None
            if shown is not None and len(shown) <= room:
                room -= len(shown)
                figures[name.removesuffix(".svg").rpartition(".")[2]] = shown
            elif not name.startswith("logs/"):
                files.append(name)
        notebook = f"{notebook_of(case['case'])}.html"
        files += [notebook] if notebook in names else []
        matters[case["case"]] = CaseMatter(
            case, gathered.exhibits.get(case["case"]), figures, files
        )
    return report(
        verdicts,
        environment,
        matters,
        notebooks=[name for name in names if name.endswith(".html") and name != INDEX_FILE],
        logs=[name for name in names if name.startswith("logs/")],
        redacted=gathered.redacted,
        scanned=scanned,
        place=_seen_from_here(run),
    )


def _seen_from_here(run: RunFolder) -> str:
    """The run's folder for a command that is given here; a report names no folder of a machine."""
    here = Path.cwd()
    path = run.path.resolve()
    return str(path.relative_to(here)) if path.is_relative_to(here) else f"outputs/{run.run_id}"


def _figure(path: Path) -> str | None:
    try:
        svg = path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None
    return data_uri(svg) if path.suffix == ".svg" and "<svg" in svg else None
