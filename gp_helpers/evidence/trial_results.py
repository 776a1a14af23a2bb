"""A trial as its history tells it: read, judged, and held beside its contrast."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from gp_helpers.checkers import Outcome, Verdict, judge
from gp_helpers.checkers.expectations import TrialEnd
from gp_helpers.evidence.folder import parse_history_name
from gp_helpers.history import History, HistoryReadError, Kind, first_divergence, parse


@dataclass
class TrialResult:
    """What one history says."""

    file: str
    case: str
    role: str
    number: int
    verdict: Verdict
    header: Mapping[str, Any] = field(default_factory=dict)
    entries: int = 0
    ended: float = 0.0
    """Seconds from the trial's beginning to its last entry."""
    unfinished: str | None = None
    """Why the history is not that of a whole trial."""
    divergence: dict[str, Any] | None = None
    """Where the trial first departs from its contrast, if it has one."""
    has_contrast: bool = False
    contrast_unreadable: str | None = None

    @property
    def end(self) -> TrialEnd:
        """How the trial ended."""
        return TrialEnd.of(self.verdict, is_whole=self.unfinished is None)

    @property
    def ended_at(self) -> datetime | None:
        """The wall time of the last entry."""
        try:
            return datetime.fromisoformat(str(self.header["wall"])) + timedelta(seconds=self.ended)
        except (KeyError, ValueError, OverflowError):
            return None

    def to_json(self) -> dict[str, Any]:
        """The trial as it stands in ``verdicts.json``."""
        return {
            "number": self.number,
            "history": self.file,
            "seed": self.header.get("seed"),
            "entries": self.entries,
            "unfinished": self.unfinished,
            **{key: value for key, value in self.verdict.to_json().items() if key != "case"},
            "has_contrast": self.has_contrast,
            "first_divergence": self.divergence,
        }


def judged(file: str, content: bytes) -> tuple[TrialResult, History]:
    """Read and judge a history; one that cannot be read or judged is an error, not an exception."""
    parsed = parse_history_name(file.rpartition("/")[2])
    assert parsed is not None, file
    case, role, number = parsed
    try:
        history = parse(content, file)
    except HistoryReadError as error:
        broken = Verdict(case, Outcome.ERROR, str(error))
        return TrialResult(file, case, role, number, broken, unfinished=str(error)), History(())
    try:
        verdict = judge(history) if len(history) else _empty(case)
    except Exception as error:  # a damaged header must not take the report down with it
        verdict = Verdict(case, Outcome.ERROR, f"cannot be judged: {type(error).__name__}: {error}")
    if verdict.case != case:
        verdict = Verdict(case, Outcome.ERROR, f"the history is of {verdict.case or 'no case'}")
    result = TrialResult(
        file,
        case,
        role,
        number,
        verdict,
        history.header,
        len(history),
        history.entries[-1].t if len(history) else 0.0,
        _unfinished(history),
    )
    return result, history


def _empty(case: str) -> Verdict:
    return Verdict(case, Outcome.INCONCLUSIVE, "the history is empty: the trial did not begin")


def _unfinished(history: History) -> str | None:
    if history.truncated is not None:
        return history.truncated
    ends = history.of(Kind.TRIAL_ENDED)
    if ends and ends[-1].data.get("outcome") == "interrupted":
        return "the trial was interrupted"
    return None


@dataclass(frozen=True, slots=True)
class TrialFiles:
    """The names of a trial's history and, if there is one, of its contrast's."""

    name: str
    beside: str | None


@dataclass(frozen=True, slots=True)
class RecordedTrial:
    """The files of a trial: its history and, if there is one that can be had, its contrast's."""

    name: str
    content: bytes
    beside: str | None
    contrast: bytes | None


def trial_files(names: Sequence[str]) -> Iterator[TrialFiles]:
    """Every trial among these files."""
    histories = {
        parsed: name
        for name in names
        if name.startswith("histories/")
        and (parsed := parse_history_name(name.removeprefix("histories/"))) is not None
    }
    for (case, role, number), name in histories.items():
        if role == "trial":
            yield TrialFiles(name, histories.get((case, "contrast", number)))


def recorded_trials(
    files: Iterable[TrialFiles], read: Callable[[str], bytes | None]
) -> Iterator[RecordedTrial]:
    """Trials, read, one at a time, since they may be large.

    ``read`` gives a file's content, None if it cannot.
    """
    for one in files:
        content = read(one.name)
        if content is not None:
            contrast = read(one.beside) if one.beside is not None else None
            yield RecordedTrial(one.name, content, one.beside, contrast)


def judged_pair(recorded: RecordedTrial) -> tuple[TrialResult, History, History | None]:
    """A trial, judged, with its history and its contrast's."""
    result, history = judged(recorded.name, recorded.content)
    contrast = None
    if recorded.beside is not None and recorded.contrast is not None:
        result.has_contrast = True
        try:
            contrast = parse(recorded.contrast, recorded.beside)
            result.divergence = _divergence(history, contrast)
        except HistoryReadError as error:
            result.contrast_unreadable = str(error)
        except Exception as error:  # what a damaged entry holds must not end the report
            told = f"cannot be compared: {type(error).__name__}: {error}"
            result.contrast_unreadable = f"{recorded.beside}: {told}"
    return result, history, contrast


def _divergence(trial: History, contrast: History) -> dict[str, Any] | None:
    found = first_divergence(trial, contrast)
    if found is None:
        return None
    return {
        "actor": found.actor,
        "ours": found.ours.seq if found.ours else None,
        "theirs": found.theirs.seq if found.theirs else None,
        "our_form": found.our_form,
        "their_form": found.their_form,
    }
