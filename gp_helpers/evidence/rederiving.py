"""The files that follow from the histories beside the verdicts, made again to be compared.

The report, the notebooks and their figures are not: of those the manifest alone says something.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from gp_helpers.evidence.environment import workbook_version
from gp_helpers.evidence.files import encoded
from gp_helpers.evidence.folder import ENVIRONMENT_FILE
from gp_helpers.evidence.har import archive, lines_of
from gp_helpers.evidence.junit import junit
from gp_helpers.evidence.manifest import MANIFEST_FILE
from gp_helpers.evidence.reading import VERDICTS_FILE
from gp_helpers.evidence.summary import summary
from gp_helpers.evidence.trial_results import TrialResult
from gp_helpers.history import History

HAR_FILE = "traffic.har"
JUNIT_FILE = "junit.xml"
SUMMARY_FILE = "summary.md"
DERIVED = (SUMMARY_FILE, JUNIT_FILE, HAR_FILE)
_CHECKED = {ENVIRONMENT_FILE, MANIFEST_FILE, VERDICTS_FILE, *DERIVED}


def exchanges_of(result: TrialResult, history: History, contrast: History | None) -> Iterator[str]:
    """The lines that ``traffic.har`` has of a trial and its contrast."""
    yield from lines_of(history, result.file)
    if contrast is not None:
        name = f"histories/{result.case}.contrast.{result.number}.jsonl"
        yield from lines_of(contrast, name)


def har_of(exchanges: Sequence[str], run_id: str, version: str) -> str:
    """The text of ``traffic.har``."""
    comment = f"run {run_id}; secrets were taken out when it was recorded"
    return archive(exchanges, version=version, comment=comment)


def derived_texts(
    verdicts: Mapping[str, Any],
    exchanges: Sequence[str],
    environment: Mapping[str, Any],
) -> Iterator[tuple[str, set[bytes]]]:
    """Each derived file, with the contents that it may have."""
    yield SUMMARY_FILE, {encoded(summary(verdicts))}
    yield JUNIT_FILE, {encoded(junit(verdicts))}
    recorded_with = str((environment.get("workbook") or {}).get("version"))
    # It names the version that finalised the run, which may be later than the one that ran it.
    versions = {workbook_version(), recorded_with}
    yield (
        HAR_FILE,
        {encoded(har_of(exchanges, str(environment["run"]), one)) for one in versions},
    )


def not_derived(names: Iterable[str]) -> list[str]:
    """What nothing is derived for: files, and folders as such."""
    tops = {
        f"{top}/" if rest else top
        for top, _, rest in (name.partition("/") for name in names)
        if top not in ("histories", "verdicts")
    }
    return sorted(tops - _CHECKED)
