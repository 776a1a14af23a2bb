"""Two runs side by side: what was fixed, what broke, what takes longer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from gp_helpers.checkers import Outcome
from gp_helpers.evidence.conditions import told_apart
from gp_helpers.evidence.reading import Reading
from gp_helpers.evidence.rechecking import read_rechecked, read_recorded
from gp_helpers.plan import CASES
from gp_helpers.statistics import percentile

SLOWER_BY = 1.5
"""A case's timing has changed when its median did by this factor …"""
SLOWER_BY_S = 0.25
"""… and by this many seconds; less is the noise of a machine."""


class Change(StrEnum):
    """What became of a case from one run to the other."""

    FIXED = "fixed"
    BROKEN = "broken"
    STILL_FAILING = "still failing"
    STILL_PASSING = "still passing"
    UNDECIDED = "undecided"
    """Inconclusive or broken on one side or on both, which is never a pass."""
    ONLY_BEFORE = "only before"
    ONLY_AFTER = "only after"


@dataclass(frozen=True, slots=True)
class ComparedCase:
    """A case in two runs; what only one of them has is None in the other."""

    case: str
    change: Change
    before: Outcome | None
    after: Outcome | None
    findings_before: tuple[str, ...]
    findings_after: tuple[str, ...]
    seconds_before: float | None
    """The median of its trials."""
    seconds_after: float | None

    @property
    def has_changed_timing(self) -> bool:
        """Whether it takes a different time, beyond what a machine's noise does."""
        before, after = self.seconds_before, self.seconds_after
        if before is None or after is None:
            return False
        less, more = sorted((before, after))
        return more - less >= SLOWER_BY_S and more >= SLOWER_BY * less


@dataclass(frozen=True)
class Comparison:
    """Two runs, case by case, in the plan's order."""

    before: Reading
    after: Reading
    cases: tuple[ComparedCase, ...]

    def of(self, change: Change) -> tuple[ComparedCase, ...]:
        """The cases of which this became."""
        return tuple(case for case in self.cases if case.change is change)

    @property
    def differences(self) -> tuple[str, ...]:
        """What is damaged in the two runs, or what re-checks of them found."""
        return tuple(
            f"{reading.place}: {one}"
            for reading in (self.before, self.after)
            for one in reading.differences
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """What the runs differ in beside environment and wiring, so that times and rates do too."""
        return tuple(told_apart(self.before, self.after))

    @property
    def status(self) -> int:
        """The exit status: 0 nothing broke and all is decided, 1 something broke, 2 undecided.

        A case that only the second run has broke if it fails there. A case that is missing
        afterwards and a run that is partial are undecided; a run that differs from its manifest, or
        by a re-check from its histories, counts as broken.
        """
        new = {case.after for case in self.of(Change.ONLY_AFTER)}
        if self.of(Change.BROKEN) or Outcome.FAIL in new or self.differences:
            return 1
        undecided = self.of(Change.UNDECIDED) or self.of(Change.ONLY_BEFORE) or new - {Outcome.PASS}
        is_partial = any(one.verdicts.get("partial") for one in (self.before, self.after))
        return 2 if undecided or is_partial or not self.cases else 0


def compare(before: Path, after: Path, *, rechecked: bool = False) -> Comparison:
    """Compare two runs, folders or bundles; `NotARunError` if one is neither.

    ``rechecked``: both are checked again, and their verdicts derived; otherwise the recorded
    verdicts are believed, unless what they rest on is damaged.
    """
    read = read_rechecked if rechecked else read_recorded
    left, right = read(before), read(after)
    old = {case["case"]: case for case in left.verdicts["cases"]}
    new = {case["case"]: case for case in right.verdicts["cases"]}
    return Comparison(
        left,
        right,
        tuple(_compared(case, old.get(case), new.get(case)) for case in CASES
              if case in old or case in new),
    )  # fmt: skip


def _compared(
    case_id: str, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None
) -> ComparedCase:
    before = Outcome(old["outcome"]) if old else None
    after = Outcome(new["outcome"]) if new else None
    return ComparedCase(
        case_id,
        _change(before, after),
        before,
        after,
        tuple(old["findings"]) if old else (),
        tuple(new["findings"]) if new else (),
        _seconds(old),
        _seconds(new),
    )


_CHANGES = {
    (Outcome.FAIL, Outcome.PASS): Change.FIXED,
    (Outcome.PASS, Outcome.FAIL): Change.BROKEN,
    (Outcome.FAIL, Outcome.FAIL): Change.STILL_FAILING,
    (Outcome.PASS, Outcome.PASS): Change.STILL_PASSING,
}


def _change(before: Outcome | None, after: Outcome | None) -> Change:
    if before is None:
        return Change.ONLY_AFTER
    if after is None:
        return Change.ONLY_BEFORE
    return _CHANGES.get((before, after), Change.UNDECIDED)


def _seconds(case: Mapping[str, Any] | None) -> float | None:
    seconds = [one["seconds"] for one in case["trials"]] if case else []
    return percentile(seconds, 50) if seconds else None
