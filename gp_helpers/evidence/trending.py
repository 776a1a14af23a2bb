"""All runs of a folder: the success rate of each case with its interval, and how long it takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gp_helpers.checkers import Outcome
from gp_helpers.evidence.conditions import effective_environments
from gp_helpers.evidence.differences import printable
from gp_helpers.evidence.errors import NotARunError
from gp_helpers.evidence.reading import Reading, runs_in
from gp_helpers.evidence.rechecking import read_rechecked, read_recorded
from gp_helpers.plan import CASES
from gp_helpers.statistics import SuccessRate, percentile, success_rate


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """A case in one run."""

    run: str
    started: str
    outcome: Outcome
    passed: int
    trials: int
    """Trials that passed or failed; what is inconclusive counts on neither side."""
    undecided: int
    seconds: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class TrendRow:
    """A case of one environment over all runs, oldest first."""

    environment: str
    """As it effectively ran: see `effective_environments`."""
    case: str
    points: tuple[TrendPoint, ...]

    @property
    def success(self) -> SuccessRate:
        """The rate over the trials of all runs, which are taken to be independent."""
        return success_rate(
            sum(point.passed for point in self.points), sum(point.trials for point in self.points)
        )

    @property
    def undecided(self) -> int:
        """Trials that were inconclusive or broke."""
        return sum(point.undecided for point in self.points)

    def seconds(self, percent: float) -> float | None:
        """A percentile of the durations of its trials; None without trials."""
        values = [value for point in self.points for value in point.seconds]
        return percentile(values, percent) if values else None


@dataclass(frozen=True)
class Trend:
    """Every case of every environment over the runs of a folder."""

    rows: tuple[TrendRow, ...]
    runs: int
    unreadable: tuple[str, ...]
    """Runs that could not be read, and why."""
    differing: tuple[str, ...] = ()
    """Runs that are damaged or differ by a re-check: left out, with what was found first."""
    partial: tuple[str, ...] = ()
    """Runs that count and did not come to their end, and why."""
    copies: tuple[str, ...] = ()
    """Folders and bundles of runs that count already, which are left out."""


def trend(outputs: Path, *, environments: Sequence[str] = (), rechecked: bool = False) -> Trend:
    """Follow the cases over all runs found in a folder; `NotARunError` if there is no such folder.

    ``environments``: these alone, as they effectively ran; none is all, and one that no run is of
    is a `NotARunError` too. ``rechecked``: each run is checked again and one that differs is left
    out; otherwise the recorded verdicts are believed, unless what they rest on is damaged.
    """
    read = read_rechecked if rechecked else read_recorded
    readings, unreadable = [], []
    for place in runs_in(outputs):
        try:
            readings.append(read(place))
        except (NotARunError, KeyError, TypeError, ValueError) as error:
            unreadable.append(f"{place.name}: {error}")
    readings.sort(key=lambda reading: str(reading.verdicts["started"]))
    ran = list(zip(effective_environments(readings), readings, strict=True))
    _require(environments, [environment for environment, _ in ran], outputs)
    differing = [f"{one.place.name}: {one.differences[0]}" for _, one in ran if one.differences]
    followed, copies = _once_each([pair for pair in ran if not pair[1].differences])
    asked = [pair for pair in followed if not environments or pair[0] in environments]
    points: dict[tuple[str, str], list[TrendPoint]] = {}
    for environment, reading in asked:
        for case, point in _points(reading):
            points.setdefault((environment, case), []).append(point)
    order = list(CASES)
    rows = sorted(points, key=lambda key: (key[0], order.index(key[1])))
    return Trend(
        tuple(TrendRow(*key, tuple(points[key])) for key in rows),
        len(asked),
        tuple(unreadable),
        tuple(differing),
        tuple(f"{one.place.name}: {why}" for _, one in asked if (why := _partial(one))),
        tuple(copies),
    )


def _once_each(
    ran: Sequence[tuple[str, Reading]],
) -> tuple[list[tuple[str, Reading]], list[str]]:
    """Each run once, whole where a copy was made before its end; and what the others are called."""
    kept: dict[tuple[str, str], tuple[str, Reading]] = {}
    copies = []
    for pair in sorted(ran, key=lambda pair: _partial(pair[1]) is not None):
        if kept.setdefault(pair[1].identity, pair) is not pair:
            copies.append(pair[1].place.name)
    return [pair for pair in ran if kept[pair[1].identity] is pair], copies


def _require(environments: Sequence[str], known: Sequence[str], outputs: Path) -> None:
    """Raise if a run of some environment is asked for and only others are there."""
    for name in environments:
        if known and name not in known:
            there = printable("; ".join(sorted(set(known))))
            raise NotARunError(outputs, f"no run of environment {name!r}; there are: {there}")


def _partial(reading: Reading) -> str | None:
    return str(why) if (why := reading.verdicts.get("partial")) else None


def _points(reading: Reading) -> Iterator[tuple[str, TrendPoint]]:
    for case in reading.verdicts["cases"]:
        if case["case"] not in CASES:
            continue
        outcomes = [Outcome(one["outcome"]) for one in case["trials"]]
        decided = [one for one in outcomes if one in (Outcome.PASS, Outcome.FAIL)]
        yield (
            case["case"],
            TrendPoint(
                str(reading.verdicts["run"]),
                str(reading.verdicts["started"]),
                Outcome(case["outcome"]),
                decided.count(Outcome.PASS),
                len(decided),
                max(1, len(outcomes)) - len(decided),
                tuple(float(one["seconds"]) for one in case["trials"]),
            ),
        )
