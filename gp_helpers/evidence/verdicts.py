"""``verdicts.json``: what follows from a run's histories, and from nothing else that can be argued.

`assemble` is a pure function of the environment file, of the histories and, for cases without a
history, of what the one who ran them stated; so a re-check makes the same document again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from gp_helpers.checkers import Outcome
from gp_helpers.checkers.expectations import Expected, counted
from gp_helpers.evidence.averages import average_of
from gp_helpers.evidence.trial_results import TrialResult
from gp_helpers.plan import CASES
from gp_helpers.statistics import success_rate

SCHEMA = 1


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
        "met": _met(expected, trials, outcome, findings),
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


def _met(
    expected: Expected, trials: list[TrialResult], outcome: Outcome, findings: tuple[str, ...]
) -> bool | None:
    """Whether every trial that counts ended as expected, and there were enough of them."""
    met = expected.is_met_by(outcome, findings)
    if not met or not trials:
        return met
    return expected.held_against_all([one.end for one in trials]).met


def _outcome(
    trials: list[TrialResult], said: Mapping[str, Any] | None, wanted: int
) -> tuple[Outcome, str]:
    """The outcome of a case: its worst trial's, and never better than what was observed."""
    ends = counted([one.end for one in trials])
    if not ends:
        if said is None:
            return Outcome.INCONCLUSIVE, "not reached: there is no history of it"
        outcome = said.get("outcome")
        if outcome in (Outcome.ERROR, Outcome.INCONCLUSIVE):
            return Outcome(outcome), str(said.get("reason", ""))
        return Outcome.INCONCLUSIVE, f"stated as {outcome}, and no history supports it"
    for outcome in (Outcome.ERROR, Outcome.FAIL, Outcome.INCONCLUSIVE):
        of_it = [end for end in ends if end.outcome is outcome]
        if of_it:
            reason = of_it[0].reason
            if len(ends) > 1:
                reason = f"{len(of_it)} of {len(ends)} trials; the first: {reason}"
            return outcome, reason
    if len(ends) < wanted:
        return Outcome.INCONCLUSIVE, f"{len(ends)} of {wanted} trials were made, all passed"
    if len(ends) > 1:
        return Outcome.PASS, f"all {len(ends)} trials passed"
    return Outcome.PASS, ends[0].reason


def _seconds(environment: Mapping[str, Any], cases: Iterable[list[TrialResult]]) -> float | None:
    ends = [end for trials in cases for one in trials if (end := one.ended_at) is not None]
    try:
        began = datetime.fromisoformat(str(environment["started"]))
        return round((max(ends) - began).total_seconds(), 3) if ends else None
    except (ValueError, TypeError):
        return None
