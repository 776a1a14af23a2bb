"""``verdicts.json``: what follows from a run's histories, and from nothing else that can be argued.

`assemble` is a pure function of the environment file, of the histories and, for cases without a
history, of what the one who ran them stated; so a re-check makes the same document again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from gp_helpers.checkers import Outcome, Verdict, judge
from gp_helpers.checkers.expectations import Expected
from gp_helpers.evidence.averages import average_of
from gp_helpers.evidence.folder import parse_history_name
from gp_helpers.history import History, HistoryReadError, Kind, first_divergence, parse
from gp_helpers.plan import CASES
from gp_helpers.statistics import success_rate

SCHEMA = 1


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
class RecordedTrial:
    """The files of a trial: its history and, if there is one that can be had, its contrast's."""

    name: str
    content: bytes
    beside: str | None
    contrast: bytes | None

    @property
    def size(self) -> int:
        """Bytes of both."""
        return len(self.content) + len(self.contrast or b"")


def recorded_trials(
    names: Sequence[str], read: Callable[[str], bytes | None]
) -> Iterator[RecordedTrial]:
    """Every trial among these files. ``read`` gives a file's content, None if it cannot."""
    histories = {
        parsed: name
        for name in names
        if name.startswith("histories/")
        and (parsed := parse_history_name(name.removeprefix("histories/"))) is not None
    }
    for (case, role, number), name in histories.items():
        content = read(name) if role == "trial" else None
        if content is None:
            continue
        beside = histories.get((case, "contrast", number))
        yield RecordedTrial(name, content, beside, read(beside) if beside is not None else None)


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


def trials_of(
    names: Sequence[str], read: Callable[[str], bytes | None]
) -> Iterator[tuple[TrialResult, History, History | None]]:
    """Every trial among these files, judged, with its history and its contrast's.

    One at a time, since they may be large. ``read`` gives a file's content, None if it cannot.
    """
    return map(judged_pair, recorded_trials(names, read))


def stated_in(names: Sequence[str], read: Callable[[str], bytes | None]) -> dict[str, Any]:
    """The files ``verdicts/<case>.json``, by case; one that cannot be read states nothing."""
    stated = {}
    for name in names:
        if name.startswith("verdicts/") and name.endswith(".json"):
            try:
                said = json.loads(read(name) or b"null")
            except (ValueError, RecursionError):
                continue
            if isinstance(said, dict):
                stated[name.removeprefix("verdicts/").removesuffix(".json")] = said
    return stated


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


def assemble(
    environment: Mapping[str, Any],
    trials: Iterable[TrialResult],
    stated: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """The document ``verdicts.json`` of a run."""
    by_case: dict[str, list[TrialResult]] = {}
    for trial in trials:
        if trial.role == "trial":
            by_case.setdefault(trial.case, []).append(trial)
    selected = [case for case in environment["selected"] if case in CASES]
    more = [case for case in by_case if case not in selected and case in CASES]
    cases = [
        _case(case, sorted(by_case.get(case, []), key=lambda one: one.number), stated, environment)
        for case in [*selected, *more]
    ]
    ended = environment.get("ended") or {}
    return {
        "schema": SCHEMA,
        "run": environment["run"],
        "environment": environment["environment"],
        "expectation": environment["expectation"],
        "started": environment["started"],
        "seconds": _seconds(environment, by_case.values()),
        "interrupted": bool(ended.get("interrupted")),
        "partial": _partial(ended.get("reason"), cases),
        "cases": cases,
        "not_selected": [
            {"case": case, "reason": reason}
            for case, reason in environment.get("not_selected", {}).items()
            if case not in by_case
        ],
    }


def _partial(reason: str | None, cases: list[dict[str, Any]]) -> str | None:
    missing = [case["case"] for case in cases if not case["trials"] and not case["stated"]]
    torn = [case["case"] for case in cases if any(one["unfinished"] for one in case["trials"])]
    parts = [reason] if reason else []
    if missing:
        parts.append(f"not reached: {', '.join(missing)}")
    if torn:
        parts.append(f"not whole: {', '.join(torn)}")
    return "; ".join(parts) or None


def _case(
    case_id: str,
    trials: list[TrialResult],
    stated: Mapping[str, Mapping[str, Any]],
    environment: Mapping[str, Any],
) -> dict[str, Any]:
    said = stated.get(case_id)
    outcome, reason = _outcome(trials, said, int(environment.get("trials", 1)))
    findings = tuple(dict.fromkeys(code for one in trials for code in one.verdict.findings))
    expected = Expected.from_json(environment.get("expected", {}).get(case_id, {}))
    decided = [one for one in trials if one.verdict.outcome in (Outcome.PASS, Outcome.FAIL)]
    rate = success_rate(sum(one.verdict.outcome is Outcome.PASS for one in decided), len(decided))
    threshold = float(environment.get("success_threshold", 0.95))
    info = CASES[case_id]
    return {
        "case": case_id,
        "suite": info.suite.value,
        "title": info.title,
        "test_name": info.test_name,
        "outcome": outcome.value,
        "reason": reason,
        "findings": list(findings),
        "expected": expected.to_json(),
        "met": expected.is_met_by(outcome, findings),
        "stated": dict(said) if said else None,
        "seconds": round(sum(one.verdict.seconds for one in trials) / len(trials), 4)
        if trials
        else None,
        "success": {
            "passed": rate.passed,
            "trials": rate.trials,
            "rate": rate.rate,
            "lower": round(rate.lower, 6),
            "upper": round(rate.upper, 6),
            "lower_one_sided": round(rate.lower_one_sided, 6),
            "threshold": threshold,
            "supports_threshold": rate.supports_more_than(threshold),
        },
        "average": average_of(case_id, [(one.header, one.verdict) for one in decided]),
        "trials": [one.to_json() for one in trials],
    }


def _outcome(
    trials: list[TrialResult], said: Mapping[str, Any] | None, wanted: int
) -> tuple[Outcome, str]:
    """The outcome of a case: its worst trial's, and never better than what was observed."""
    counted = _counted(trials)
    if not counted:
        if said is None:
            return Outcome.INCONCLUSIVE, "not reached: there is no history of it"
        outcome = said.get("outcome")
        if outcome in (Outcome.ERROR, Outcome.INCONCLUSIVE):
            return Outcome(outcome), str(said.get("reason", ""))
        return Outcome.INCONCLUSIVE, f"stated as {outcome}, and no history supports it"
    for outcome in (Outcome.ERROR, Outcome.FAIL, Outcome.INCONCLUSIVE):
        of_it = [one for one in counted if one.verdict.outcome is outcome]
        if of_it:
            reason = of_it[0].verdict.reason
            if len(counted) > 1:
                reason = f"{len(of_it)} of {len(counted)} trials; the first: {reason}"
            return outcome, reason
    if len(counted) < wanted:
        return Outcome.INCONCLUSIVE, f"{len(counted)} of {wanted} trials were made, all passed"
    if len(counted) > 1:
        return Outcome.PASS, f"all {len(counted)} trials passed"
    return Outcome.PASS, counted[0].verdict.reason


def _counted(trials: list[TrialResult]) -> list[TrialResult]:
    """Without trials that were given up for a later one, unless they showed a failure."""
    last = max((one.number for one in trials), default=0)
    return [
        one
        for one in trials
        if one.unfinished is None
        or one.number == last
        or one.verdict.outcome in (Outcome.FAIL, Outcome.ERROR)
    ]


def _seconds(environment: Mapping[str, Any], cases: Iterable[list[TrialResult]]) -> float | None:
    ends = [end for trials in cases for one in trials if (end := one.ended_at) is not None]
    try:
        began = datetime.fromisoformat(str(environment["started"]))
        return round((max(ends) - began).total_seconds(), 3) if ends else None
    except (ValueError, TypeError):
        return None
