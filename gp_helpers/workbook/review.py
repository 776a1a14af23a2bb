"""The review: what a notebook holds in its hand to look at evidence that is there already.

It starts nothing and asks no platform: it reads the runs of a folder, follows the cases over all of
them, compares two, and derives their verdicts again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

from gp_helpers.checkers import Outcome
from gp_helpers.display.html import Html, table, tag
from gp_helpers.display.svg import Svg
from gp_helpers.display.trends import trend_figure
from gp_helpers.evidence import (
    Comparison,
    NotARunError,
    Reading,
    Recheck,
    Trend,
    compare,
    effective_environments,
    read_run,
    recheck,
    runs_in,
    trend,
)
from gp_helpers.parameters import ParameterError
from gp_helpers.workbook.binding import read_bound
from gp_helpers.workbook.errors import EvidenceDiffers, NothingTaken
from gp_helpers.workbook.lab import outputs_folder
from gp_helpers.workbook.review_parameters import ReviewParameters, validate_review

HOW_TO_BEGIN = "`make run` makes two runs; so does `golden-path run --env NAME`, one by one."


@dataclass
class Review:
    """The runs of a folder; see `open_review`."""

    outputs: Path
    parameters: ReviewParameters
    readings: Sequence[Reading]
    """Every run that can be read, oldest first."""
    unreadable: Sequence[str]
    """Runs that cannot be read, and why."""
    rechecked: dict[str, Recheck] = field(default_factory=dict, repr=False)
    """What re-checks found, by the run's name."""

    @cached_property
    def _environments(self) -> dict[Path, str]:
        """What each run effectively ran, by its place."""
        ran = effective_environments(self.readings)
        return {one.place: told for one, told in zip(self.readings, ran, strict=True)}

    @property
    def after(self) -> Reading | None:
        """The run that is named as ``after``, or the newest."""
        if self.parameters.after:
            return self._named(self.parameters.after)
        return self.readings[-1] if self.readings else None

    @property
    def before(self) -> Reading | None:
        """The run that is named as ``before``, or the newest older one of another environment.

        Without such a one, the newest older one of the same environment.
        """
        if self.parameters.before:
            return self._named(self.parameters.before)
        after = self.after
        if after is None:
            return None
        older = [one for one in self.readings if one.identity != after.identity]
        if not older:
            return None
        own = self._environments[after.place]
        others = [one for one in older if self._environments[one.place] != own]
        return (others or older)[-1]

    def _named(self, name: str) -> Reading:
        for reading in self.readings:
            if name in (reading.place.name, reading.place.stem, reading.verdicts["run"]):
                return reading
        raise ParameterError(
            "notebook", [f"{name}: no such run in {self.outputs}; there are: {self._names()}"]
        )

    def _names(self) -> str:
        return ", ".join(reading.place.name for reading in self.readings) or "none"

    def runs(self) -> Html:
        """Every run that was found, oldest first."""
        if not self.readings and not self.unreadable:
            return self._nothing("no run was found")
        rows = [_row_of(one, self._environments[one.place]) for one in self.readings]
        view = table(rows, title=f"Runs in {self.outputs}")
        return view + _lines("Not read", self.unreadable) if self.unreadable else view

    def trend(self) -> Html:
        """Success rate with its interval, and duration, of each case over all runs."""
        followed = self._followed()
        rows = [
            {
                "environment": row.environment,
                "case": row.case,
                "runs": len(row.points),
                "passed": f"{row.success.passed} of {row.success.trials}",
                "95 % interval": f"{row.success.lower:.1%} to {row.success.upper:.1%}",
                "undecided": row.undecided,
                "median s": _rounded(row.seconds(50)),
                "most s": _rounded(row.seconds(100)),
            }
            for row in followed.rows
        ]
        title = f"{len(rows)} cases over {followed.runs} runs"
        view = table(rows, title=title, limit=60) if rows else self._nothing("nothing to follow")
        view += _lines("Left out, because they are damaged", followed.differing)
        return view + _lines("Left out, copies of runs that are counted", followed.copies)

    def plot(self) -> Svg | Html:
        """The same as a figure."""
        followed = self._followed()
        if not followed.rows:
            return self._nothing("there is nothing to draw")
        return trend_figure(followed.rows)

    def _followed(self) -> Trend:
        if not self.readings:
            return Trend((), 0, tuple(self.unreadable))
        return trend(self.outputs, environments=self.parameters.environments)

    def comparison(self) -> Html:
        """Two runs, case by case: fixed, broken, still failing, still passing, changed timing."""
        before, after = self.before, self.after
        if before is None or after is None:
            found = len({one.identity for one in self.readings})
            return self._nothing(f"a comparison needs two runs, found {found}")
        compared = compare(before.place, after.place)
        rows = [
            {
                "case": one.case,
                "change": one.change.value,
                self._environments[before.place]: _shown(one.before),
                self._environments[after.place] + " (after)": _shown(one.after),
                "seconds before": _rounded(one.seconds_before),
                "seconds after": _rounded(one.seconds_after),
                "timing": "changed" if one.has_changed_timing else "",
                "findings before": one.findings_before,
                "findings after": one.findings_after,
            }
            for one in compared.cases
        ]
        title = f"{before.place.name}, then {after.place.name}: {_counted(compared)}"
        view = table(rows, title=title)
        view += _lines("What is damaged", compared.differences)
        return view + _lines("What the two were not run alike in", compared.notes)

    def recheck(self) -> Html:
        """Derive the verdicts of the two runs again from their histories, and say what differs."""
        chosen = {one.place: one for one in (self.before, self.after) if one is not None}
        if not chosen:
            return self._nothing("there is nothing to check again")
        after = self.after
        for place in chosen:
            is_after = after is not None and place == after.place
            expected = self.parameters.expect or None if is_after else None
            self.rechecked[place.name] = recheck(place, expect=expected)
        rows = [
            {
                "run": name,
                "result": "everything agrees"
                if found.holds
                else f"{len(found.differences)} differences",
                "histories": found.histories,
                "entries": found.entries,
                "seconds": _rounded(found.seconds),
                "digest": found.digest,
            }
            for name, found in self.rechecked.items()
        ]
        view = table(rows, title="Verdicts derived again, from the histories alone")
        for name, found in self.rechecked.items():
            view += _lines(f"What differs in {name}", list(map(str, found.differences)))
        notes = [note for found in self.rechecked.values() for note in found.notes]
        return view + _lines("What is not shown by this", list(dict.fromkeys(notes)))

    def conclude(self) -> Html:
        """Say what was checked.

        Raises `EvidenceDiffers` if a run does not say what its histories say, and `NothingTaken`
        if none was checked.
        """
        wrong = {
            name: list(map(str, found.differences))
            for name, found in self.rechecked.items()
            if not found.holds
        }
        if wrong:
            raise EvidenceDiffers(wrong)
        if not self.rechecked:
            raise NothingTaken(self._told("nothing was checked again, so nothing was shown"))
        told = f"{len(self.rechecked)} of {len(self.readings)} runs were checked again; all agree."
        return Html(tag("p", escape(told), class_="good"), told)

    def _nothing(self, what: str) -> Html:
        told = self._told(what)
        return Html(tag("p", escape(told), class_="wait"), told)

    def _told(self, what: str) -> str:
        return f"Nothing yet: {what} in {self.outputs}. {HOW_TO_BEGIN}"

    def __repr__(self) -> str:
        return f"{len(self.readings)} runs in {self.outputs}: {self._names()}"

    def _repr_html_(self) -> str:
        return Html(tag("p", escape(repr(self))), repr(self))._repr_html_()


def _row_of(reading: Reading, environment: str) -> dict[str, Any]:
    verdicts = reading.verdicts
    outcomes = Counter(case["outcome"] for case in verdicts["cases"])
    return {
        "run": reading.place.name,
        "environment": environment,
        "started": str(verdicts["started"])[:19].replace("T", " "),
        "cases": len(verdicts["cases"]),
        **{outcome.value: outcomes[outcome.value] for outcome in Outcome},
        "seconds": verdicts["seconds"],
        "partial": verdicts["partial"] or "",
    }


def _shown(outcome: Outcome | None) -> str:
    return outcome.value if outcome else "–"


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 2)


def _counted(found: Comparison) -> str:
    counted = Counter(one.change.value for one in found.cases)
    return ", ".join(f"{count} {change}" for change, count in counted.items()) or "no cases"


def _lines(heading: str, lines: Sequence[str]) -> Html:
    if not lines:
        return Html("", "")
    items = "".join(tag("li", escape(line)) for line in lines)
    body = tag("p", escape(heading), class_="t") + tag("ul", items)
    return Html(body, "\n".join([heading, *(f"- {line}" for line in lines)]))


def open_review(notebook: Mapping[str, Any] | None = None, /, **parameters: Any) -> Review:
    """Read the runs of a folder, to follow, to compare and to check them again.

    ``notebook`` is ``globals()``, as for `open_lab`; without it ``parameters`` are stated:
    ``outputs``, ``environments``, ``before``, ``after``, ``expect``. An unknown one is a
    `ParameterError`. A folder that is missing or empty is a review of nothing, which says so.
    """
    if notebook is None:
        stated = validate_review(parameters, source="open_review")
    else:
        stated = read_bound(notebook, tuple(ReviewParameters.model_fields), validate_review)
    outputs = Path(stated.outputs) if stated.outputs else outputs_folder()
    readings, unreadable = [], []
    try:
        for place in runs_in(outputs):
            try:
                readings.append(read_run(place))
            except (NotARunError, KeyError, TypeError, ValueError) as error:
                unreadable.append(f"{place.name}: {error}")
    except NotARunError:
        pass
    readings.sort(key=lambda one: str(one.verdicts["started"]))
    return Review(outputs, stated, readings, unreadable)
