"""The files that follow from the histories beside the verdicts, made again to be compared.

The report, the notebooks and their figures are not: of those the manifest alone says something.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from gp_helpers.evidence.environment import workbook_version
from gp_helpers.evidence.files import encoded
from gp_helpers.evidence.folder import ENVIRONMENT_FILE
from gp_helpers.evidence.har import Passage, archive, is_archive_of, lines_of
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
    return archive(exchanges, version=version, comment=_comment(run_id))


def _comment(run_id: str) -> str:
    return f"run {run_id}; secrets were taken out when it was recorded"


def derived_files(
    verdicts: Mapping[str, Any],
    exchanges: Sequence[Passage],
    environment: Mapping[str, Any],
) -> Iterator[tuple[str, Callable[[bytes], bool]]]:
    """Each derived file, with what says whether a content follows."""
    yield SUMMARY_FILE, encoded(summary(verdicts)).__eq__
    yield JUNIT_FILE, encoded(junit(verdicts)).__eq__
    recorded_with = str((environment.get("workbook") or {}).get("version"))
    # It names the version that finalised the run, which may be later than the one that ran it.
    versions = {workbook_version(), recorded_with}
    comment = _comment(str(environment["run"]))
    yield (
        HAR_FILE,
        lambda content: any(
            is_archive_of(content, exchanges, version=one, comment=comment) for one in versions
        ),
    )


def not_derived(names: Iterable[str]) -> list[str]:
    """What nothing is derived for: files, and folders as such."""
    tops = {
        f"{top}/" if rest else top
        for top, _, rest in (name.partition("/") for name in names)
        if top not in ("histories", "verdicts")
    }
    return sorted(tops - _CHECKED)
