"""Check again: does the manifest hold, and do the verdicts follow from the histories?

Reads files alone; needs no network and no platform. Without a digest from elsewhere it finds
damage, and a verdict that its histories do not support; not a forgery that is consistent in itself.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from gp_helpers.evidence.environment import workbook_version
from gp_helpers.evidence.environment_types import ill_typed
from gp_helpers.evidence.folder import ENVIRONMENT_FILE, parse_history_name
from gp_helpers.evidence.manifest import (
    MANIFEST_FILE,
    Damage,
    compare_file,
    is_history,
    read_manifest,
    root_digest,
)
from gp_helpers.evidence.reading import VERDICTS_FILE, as_left
from gp_helpers.evidence.rederiving import derived_texts, exchanges_of, not_derived
from gp_helpers.evidence.source import DamagedFileError, Evidence, open_evidence
from gp_helpers.evidence.verdicts import TrialResult, assemble, stated_in, trials_of
from gp_helpers.plan import CASES

WITHOUT_A_DIGEST = (
    "without a digest from elsewhere (--expect) this finds damage, and verdicts that their "
    "histories do not support; not a forgery that is consistent in itself"
)


class DifferenceKind(StrEnum):
    """What sort of thing differs."""

    FILE = "file"
    """A file is not what the manifest says."""
    HISTORY = "history"
    """A history cannot be read as one."""
    VERDICT = "verdict"
    """A recorded verdict does not follow from the histories."""
    DERIVED = "derived"
    """Another file that follows from the histories does not."""
    DIGEST = "digest"
    """The root digest is not the one that was expected."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs, and where."""

    kind: DifferenceKind
    file: str
    line: str | None
    description: str

    def __str__(self) -> str:
        where = f"{self.file}, line {self.line}" if self.line else self.file
        return f"{where}: {self.description}"


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
    with open_evidence(place) as evidence:
        manifest, damage = read_manifest(evidence)
        found = [_file_difference(one) for one in damage]
        found.extend(_missing_and_unlisted(evidence, manifest))
        environment, wrong = _environment(evidence)
        found.extend(wrong)
        reader = _Reader(evidence, (manifest or {}).get("files", {}), found)
        trials = list(reader.trials())
        derived = assemble(
            as_left(environment, evidence.names()), trials, stated_in(evidence.names(), reader.read)
        )
        reader.check_the_others()
        found.extend(_verdict_differences(reader.read(VERDICTS_FILE), derived))
        if manifest is not None:
            found.extend(_derived_differences(reader, derived, environment))
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
        tuple(_notes(environment, derived, expect, others)),
    )


def _is_digest(digest: str | None, expected: str) -> bool:
    wanted = expected.strip().lower().removeprefix("sha256:")
    return digest is not None and digest == wanted


def _file_difference(damage: Damage) -> Difference:
    return Difference(DifferenceKind.FILE, damage.file, damage.line, damage.description)


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
        complete = {**_NOTHING_KNOWN, **read}
        wrong = [
            Difference(DifferenceKind.FILE, ENVIRONMENT_FILE, None, f"damaged: {told}")
            for told in ill_typed(complete)
        ]
        if wrong:
            return dict(_NOTHING_KNOWN), wrong
        # Each case once: what is stated of one may be nonsense in itself.
        assemble({**complete, "selected": list(CASES)}, [], {})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        told = f"cannot be read: {error}"
        return dict(_NOTHING_KNOWN), [Difference(DifferenceKind.FILE, ENVIRONMENT_FILE, None, told)]
    return complete, []


class _Reader:
    """Reads each file once, and holds it against the manifest."""

    def __init__(
        self, evidence: Evidence, listed: Mapping[str, Any], found: list[Difference]
    ) -> None:
        self._evidence = evidence
        self._listed = listed
        self._found = found
        self._seen = {MANIFEST_FILE}
        self.exchanges: list[dict[str, Any]] = []
        """What ``traffic.har`` holds of the trials that were read."""

    def read(self, name: str) -> bytes | None:
        """A file's content, or None if it cannot be had; what differs is noted, once."""
        try:
            content = self._evidence.read(name)
        except KeyError:
            return None
        except DamagedFileError as error:
            self._found.append(Difference(DifferenceKind.FILE, name, None, error.reason))
            return None
        if name not in self._seen and name in self._listed:
            damage = compare_file(name, content, self._listed[name])
            self._found.extend(_file_difference(one) for one in damage)
        self._seen.add(name)
        return content

    def trials(self) -> Iterator[TrialResult]:
        """Every trial, judged again; what cannot be read is noted."""
        for name in self._evidence.names():
            if is_history(name) and parse_history_name(name.removeprefix("histories/")) is None:
                self._found.append(
                    Difference(DifferenceKind.HISTORY, name, None, "does not name a case")
                )
        for result, history, contrast in trials_of(self._evidence.names(), self.read):
            self.exchanges.extend(exchanges_of(result, history, contrast))
            if not len(history) and result.unfinished and history.truncated is None:
                self._unreadable(result.unfinished)
            if result.contrast_unreadable:
                self._unreadable(result.contrast_unreadable)
            yield result

    def _unreadable(self, told: str) -> None:
        place, _, what = told.partition(": ")
        file, _, line = place.partition(", line ")
        self._found.append(Difference(DifferenceKind.HISTORY, file, line or None, what))

    def check_the_others(self) -> None:
        """Hold every file that was not read yet against the manifest."""
        for name in self._evidence.names():
            if name not in self._seen:
                self.read(name)


def _verdict_differences(
    recorded: bytes | None, derived: Mapping[str, Any]
) -> Iterator[Difference]:
    def difference(description: str) -> Difference:
        return Difference(DifferenceKind.VERDICT, VERDICTS_FILE, None, description)

    if recorded is None:
        yield difference("missing: there are no recorded verdicts to compare with")
        return
    try:
        said = json.loads(recorded)
        cases = {case["case"]: case for case in said["cases"]}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        yield difference(f"cannot be read: {type(error).__name__}: {error}")
        return
    again = {case["case"]: case for case in json.loads(json.dumps(derived["cases"]))}
    for case_id in [*again, *(case for case in cases if case not in again)]:
        before, now = cases.get(case_id), again.get(case_id)
        if before is None or now is None:
            yield difference(f"{case_id}: {'not recorded' if now else 'recorded, not derived'}")
            continue
        for path, old, new in _members(before, now):
            yield difference(f"{case_id}: {path} is recorded as {old}, the histories say {new}")
    rest = {key: value for key, value in said.items() if key != "cases"}
    derived_rest = {key: value for key, value in derived.items() if key != "cases"}
    for path, old, new in _members(rest, json.loads(json.dumps(derived_rest))):
        yield difference(f"{path} is recorded as {old}, derived was {new}")


def _derived_differences(
    reader: _Reader, derived: Mapping[str, Any], environment: Mapping[str, Any]
) -> Iterator[Difference]:
    for name, contents in derived_texts(derived, reader.exchanges, environment):
        recorded = reader.read(name)
        if recorded is None:
            yield Difference(DifferenceKind.FILE, name, None, "missing")
        elif recorded not in contents:
            told = "does not follow from the histories"
            yield Difference(DifferenceKind.DERIVED, name, None, told)


def _members(before: Any, now: Any, path: str = "") -> Iterator[tuple[str, str, str]]:
    """Path, recorded and derived value of everything in which two JSON values differ."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in [*now, *(key for key in before if key not in now)]:
            inner = f"{path}.{key}" if path else str(key)
            if key not in before or key not in now:
                yield inner, _short(before.get(key)), _short(now.get(key))
            else:
                yield from _members(before[key], now[key], inner)
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for at, (old, new) in enumerate(zip(before, now, strict=True)):
            yield from _members(old, new, f"{path}[{at}]")
    elif not _is_the_same(before, now):
        yield path, _short(before), _short(now)


def _is_the_same(before: Any, now: Any) -> bool:
    if type(before) is not type(now):
        return False
    if isinstance(before, float):
        return math.isclose(before, now, rel_tol=1e-9)
    return bool(before == now)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _notes(
    environment: Mapping[str, Any],
    derived: Mapping[str, Any],
    expect: str | None,
    others: Sequence[str],
) -> Iterator[str]:
    if others:
        yield f"not derived: only the manifest covers them: {', '.join(others)}"
    if expect is None:
        yield WITHOUT_A_DIGEST
    made_with = (environment.get("workbook") or {}).get("version")
    if made_with != workbook_version():
        yield (
            f"recorded with version {made_with} of the workbook, checked with {workbook_version()}"
        )
    if derived.get("partial"):
        yield f"the run is partial: {derived['partial']}"
