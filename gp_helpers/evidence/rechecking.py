"""Check again: does the manifest hold, and do the verdicts follow from the histories?

Reads files alone; needs no network and no platform. Without a digest from elsewhere it finds
damage, and a verdict that its histories do not support; not a forgery that is consistent in itself.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gp_helpers.evidence.differences import (
    Difference,
    DifferenceKind,
    verdict_differences,
)
from gp_helpers.evidence.environment import workbook_version
from gp_helpers.evidence.environment_types import ill_typed
from gp_helpers.evidence.examining import contradicted, examine_all
from gp_helpers.evidence.folder import ENVIRONMENT_FILE, parse_history_name
from gp_helpers.evidence.har import Passage
from gp_helpers.evidence.held import HeldFiles, file_difference
from gp_helpers.evidence.manifest import (
    MANIFEST_FILE,
    NEVER_FINALISED,
    read_manifest,
    root_digest,
)
from gp_helpers.evidence.reading import VERDICTS_FILE, Reading, as_left, read_run
from gp_helpers.evidence.rederiving import derived_files, not_derived
from gp_helpers.evidence.source import Evidence, open_evidence
from gp_helpers.evidence.stated import (
    in_environment,
    left_out,
    parameters_in,
)
from gp_helpers.evidence.trial_results import trial_files
from gp_helpers.evidence.verdicts import assemble, stated_in
from gp_helpers.history import no_collection
from gp_helpers.parameters import Parameters
from gp_helpers.plan import CASES, select

WITHOUT_A_DIGEST = (
    "without a digest from elsewhere (--expect) this finds damage, and verdicts that their "
    "histories do not support; not a forgery that is consistent in itself"
)

_STATED_ALONE = (
    f"in {ENVIRONMENT_FILE} when and with what it was run (started, ended, workbook, python, "
    "platform, packages, cloud_run_rules)"
)


@dataclass(frozen=True)
class Recheck:
    """What a re-check found."""

    place: Path
    run: str
    digest: str | None
    """The root digest of what is there; None without a readable manifest."""
    expected: str | None
    differences: tuple[Difference, ...]
    verdicts: Mapping[str, Any]
    """The verdicts as they were derived again."""
    histories: int
    entries: int
    seconds: float
    notes: tuple[str, ...] = field(default=())
    """What this re-check does not show."""

    @property
    def holds(self) -> bool:
        """Whether nothing differs."""
        return not self.differences


def recheck(place: Path, *, expect: str | None = None) -> Recheck:
    """Verify the manifest of a run or bundle and derive every verdict again from its histories.

    ``expect``: the root digest, all 64 digits, from a place that whoever made the evidence cannot
    write to. Raises `NotARunError` if there is nothing to check.
    """
    began = time.perf_counter()
    with open_evidence(place) as evidence, no_collection():
        manifest, damage = read_manifest(evidence)
        found = [file_difference(one) for one in damage]
        found.extend(_missing_and_unlisted(evidence, manifest))
        environment, wrong = _environment(evidence)
        found.extend(wrong)
        parameters, contradicted = _parameters(environment, known=not wrong)
        found.extend(contradicted)
        found.extend(_strays(evidence.names(), parameters))
        files = HeldFiles(evidence, (manifest or {}).get("files", {}), found)
        trials, exchanges = [], []
        for one in examine_all(files, parameters):
            trials.append(one.result)
            exchanges.append(one.exchanges)
        derived = assemble(
            as_left(environment, evidence.names()), trials, stated_in(evidence.names(), files.read)
        )
        found.extend(verdict_differences(files.read(VERDICTS_FILE), derived))
        if manifest is not None:
            found.extend(_derived_differences(files, derived, exchanges, environment))
        files.read_the_others()
        others = not_derived(evidence.names())
    digest = root_digest(manifest) if manifest is not None else None
    if expect is not None and not _is_digest(digest, expect):
        found.insert(0, Difference(
            DifferenceKind.DIGEST, MANIFEST_FILE, None,
            f"the digest is {digest or 'unknown'}, expected was {expect}",
        ))  # fmt: skip
    return Recheck(
        place,
        str(environment["run"]),
        digest,
        expect,
        tuple(dict.fromkeys(found)),
        derived,
        len(trials),
        sum(trial.entries for trial in trials),
        time.perf_counter() - began,
        tuple(_notes(environment, derived, expect, others, parameters)),
    )


def read_recorded(place: Path) -> Reading:
    """A run with its recorded verdicts; checked again where what they rest on is damaged.

    That is a file that the manifest lists and that is gone or another, but for those that show a
    verdict and make none: somebody may have opened and saved a notebook.
    """
    with open_evidence(place) as evidence:
        is_as_left = MANIFEST_FILE not in evidence.names() or _is_whole(evidence)
    return read_run(place) if is_as_left else read_rechecked(place)


def _is_whole(evidence: Evidence) -> bool:
    manifest, damage = read_manifest(evidence)
    if manifest is None or damage:
        return False
    found: list[Difference] = []
    files, names = HeldFiles(evidence, manifest["files"], found), evidence.names()
    rested_on = [name for name in manifest["files"] if _makes_verdicts(name)]
    return all(name in names and files.read(name) is not None for name in rested_on) and not found


def _makes_verdicts(name: str) -> bool:
    return name in (ENVIRONMENT_FILE, VERDICTS_FILE) or name.startswith(("histories/", "verdicts/"))


def read_rechecked(place: Path) -> Reading:
    """A run with its verdicts as its histories say, and with what a re-check found.

    A run that was not finished has no verdicts but those, no manifest, and nothing else that was
    made of its histories; what it states of itself and how it recorded are held all the same.
    """
    reading, found = read_run(place), recheck(place)
    unfinished = Difference(DifferenceKind.FILE, MANIFEST_FILE, None, NEVER_FINALISED)
    is_finished = unfinished not in found.differences
    told = tuple(str(one) for one in found.differences if is_finished or _is_recorded(one))
    return replace(reading, verdicts=dict(found.verdicts), is_final=False, differences=told)


def _is_recorded(difference: Difference) -> bool:
    """Whether it is in what was recorded while the run went on, not in what was made at its end."""
    recorded = (DifferenceKind.STATED, DifferenceKind.HISTORY)
    return difference.kind in recorded or difference.file == ENVIRONMENT_FILE


def _is_digest(digest: str | None, expected: str) -> bool:
    wanted = expected.strip().lower().removeprefix("sha256:")
    return digest is not None and digest == wanted


def _missing_and_unlisted(
    evidence: Evidence, manifest: Mapping[str, Any] | None
) -> Iterator[Difference]:
    if manifest is None:
        return
    names, listed = set(evidence.names()), set(manifest["files"])
    for name in sorted(listed - names):
        yield Difference(DifferenceKind.FILE, name, None, "missing")
    for name in sorted(names - listed - {MANIFEST_FILE}):
        yield Difference(DifferenceKind.FILE, name, None, "not in the manifest: added later")
    for name, what in evidence.others():
        yield Difference(DifferenceKind.FILE, name, None, f"{what}: no part of the evidence")


_NOTHING_KNOWN: Mapping[str, Any] = {
    "run": "unknown",
    "environment": "unknown",
    "expectation": "none",
    "started": "",
    "selected": [],
}


def _environment(evidence: Evidence) -> tuple[dict[str, Any], list[Difference]]:
    try:
        read = json.loads(evidence.read(ENVIRONMENT_FILE))
    except (KeyError, ValueError, RecursionError) as error:
        wrong = [f"cannot be read: {error}"]
    else:
        wrong = [f"damaged: {told}" for told in ill_typed(read)]
    found = [Difference(DifferenceKind.FILE, ENVIRONMENT_FILE, None, told) for told in wrong]
    return (dict(_NOTHING_KNOWN) if wrong else read), found


def _parameters(
    environment: Mapping[str, Any], *, known: bool
) -> tuple[Parameters | None, list[Difference]]:
    """The run's parameters, and what its environment file states beside them."""
    if not known:
        return None, []
    try:
        parameters = parameters_in(environment)
    except ValueError as error:
        told = f"what it states cannot be held against its parameters: {error}"
        return None, [Difference(DifferenceKind.STATED, ENVIRONMENT_FILE, None, told)]
    return parameters, [
        contradicted(ENVIRONMENT_FILE, None, one) for one in in_environment(environment, parameters)
    ]


def _strays(names: Sequence[str], parameters: Parameters | None) -> Iterator[Difference]:
    """What stands among the histories and is not that of a trial that was to be made."""
    chosen = CASES if parameters is None else {case.id for case in select(parameters.cases)}
    read = {name for trial in trial_files(names) for name in (trial.name, trial.beside)}
    for name in names:
        folder, _, rest = name.partition("/")
        if folder != "histories":
            continue
        parsed = parse_history_name(rest)
        if parsed is None or parsed[0] not in CASES:
            yield Difference(DifferenceKind.HISTORY, name, None, "does not name a case")
        elif parsed[0] not in chosen:
            told = f"its parameters do not select {parsed[0]}"
            yield Difference(DifferenceKind.HISTORY, name, None, told)
        elif name not in read:
            yield Difference(DifferenceKind.HISTORY, name, None, "the contrast of no trial")


def _derived_differences(
    files: HeldFiles,
    derived: Mapping[str, Any],
    exchanges: Sequence[Passage],
    environment: Mapping[str, Any],
) -> Iterator[Difference]:
    for name, follows in derived_files(derived, exchanges, environment):
        recorded = files.read(name)
        if recorded is None:
            if name not in files.evidence.names():
                yield Difference(DifferenceKind.FILE, name, None, "missing")
        elif not follows(recorded):
            told = "does not follow from the histories"
            yield Difference(DifferenceKind.DERIVED, name, None, told)


def _notes(
    environment: Mapping[str, Any],
    derived: Mapping[str, Any],
    expect: str | None,
    others: Sequence[str],
    parameters: Parameters | None,
) -> Iterator[str]:
    if missing := left_out(environment, parameters) if parameters is not None else []:
        yield f"selected by its parameters, and not taken: {', '.join(missing)}"
    covered = ", ".join([*others, _STATED_ALONE])
    yield f"not derived: only the manifest covers them: {covered}"
    if expect is None:
        yield WITHOUT_A_DIGEST
    made_with = (environment.get("workbook") or {}).get("version")
    if made_with != workbook_version():
        yield (
            f"recorded with version {made_with} of the workbook, checked with {workbook_version()}"
        )
    if derived.get("partial"):
        yield f"the run is partial: {derived['partial']}"
