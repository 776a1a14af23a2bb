"""From a history to a verdict: finds the case's check, adds the claims that every case makes.

A check is a pure function of a history; it does not know which defects are on. A step that broke,
a component that was unhealthy by itself or a trial that did not end cannot be a pass.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping

from gp_helpers.checkers.claims import (
    Claim,
    Judgement,
    Observed,
    Outcome,
    Verdict,
    outcome_of,
)
from gp_helpers.checkers.component_checks import RUNS
from gp_helpers.history import History, Kind
from gp_helpers.plan import CASES, THRESHOLDS, Suite, UnknownNameError

Check = Callable[[History], Judgement]

CONFIGURED_WAIT = "configured wait"
"""The quantity of a wait that the parameters ask for: as long as a timeout that they state."""
_CLOSED_IN_ORDER = 1000
_MODULES: Mapping[Suite, str] = {suite: f"gp_helpers.checkers.{suite.value}" for suite in Suite}


def check_for(case_id: str) -> Check:
    """The check of a case: the entry of its suite module's ``CHECKS``."""
    if case_id not in CASES:
        raise UnknownNameError("case", case_id, CASES)
    module = importlib.import_module(_MODULES[CASES[case_id].suite])
    checks: Mapping[str, Check] = module.CHECKS
    return checks[case_id]


def threshold(history: History, name: str) -> float:
    """The limit that the trial's header states, or the plan's."""
    stated = history.header.get("thresholds", {})
    return float(stated.get(name, THRESHOLDS[name].limit))


def components_healthy(history: History) -> Claim:
    """Each component alone is healthy: the plan's thesis, seen and not claimed.

    The header says which checks are owed; one that was not made cannot have gone well.
    """
    observed = Observed(
        "components_healthy",
        "each component passes its own check before the integration is tried",
        "COMPONENT_UNHEALTHY",
    )
    made: set[tuple[str, str]] = set()
    for entry in history.of(Kind.COMPONENT):
        data = entry.data
        if data.get("healthy") is None or data.get("check") == RUNS:
            continue
        observed.test(
            bool(data["healthy"]),
            f"{data.get('component')} is unhealthy by itself: {data.get('detail')}",
            entry,
        )
        made.add((str(data.get("component")), str(data.get("check"))))
    for component, check in history.header.get("components", ()):
        if (component, check) not in made:
            observed.unobserved(f"{component} was not checked: {check}")
    return observed.claim()


def applications_run(history: History) -> list[Claim]:
    """That an application went down unasked, or does not start again; nothing if none did."""
    observed = Observed("applications_run", f"each application {RUNS}", "APPLICATION_DOWN")
    for entry in history.of(Kind.COMPONENT):
        if entry.data.get("check") == RUNS:
            observed.test(bool(entry.data.get("healthy")), str(entry.data.get("detail")), entry)
    return [observed.claim()] if observed.observations else []


def within_time(history: History) -> Claim:
    """The case's duration against the plan's threshold."""
    case = CASES[str(history.header.get("case"))]
    name = next(name for name in case.thresholds if name.endswith("_seconds"))
    name = "journey_seconds" if name == "user_seconds" else name
    limit = threshold(history, name)
    observed = Observed("within_time", THRESHOLDS[name].statement, "TOO_SLOW", threshold=name)
    ends = history.of(Kind.TRIAL_ENDED)
    if ends:
        waited = seconds_of_our_own(history)
        seconds = seconds_in_steps(history) - waited
        observed.measured["seconds"] = round(seconds, 3)
        if waited:
            observed.measured["waited_for_silence_s"] = round(waited, 3)
        observed.test(seconds <= limit, f"took {seconds:.1f} s, allowed {limit:g} s", ends[-1])
    return observed.claim()


def dropped_by_probes(history: History) -> str | None:
    """Why the probes cannot be trusted: something that they must have seen is not on record."""
    return _unanswered(history) or _pongs_missing(history) or _fewer_than_sent(history)


def _unanswered(history: History) -> str | None:
    """Requests and handshakes whose outcome is missing, although their step came to its end."""
    answered = {entry.data.get("request") for entry in history.of(Kind.RESPONSE, Kind.NO_RESPONSE)}
    decided = {entry.subject for entry in history.of(Kind.WS_OPENED, Kind.WS_REFUSED)}
    ended = {
        entry.subject
        for entry in history.of(Kind.STEP_ENDED)
        if entry.data["outcome"] in ("completed", "stopped", "unavailable")
    }
    for entry in history.of(Kind.DECISION):
        if any(seq < 0 for seq in entry.data.get("rests_on", ())):
            return f"what {entry.data.get('decider')}'s decision rests on was not recorded"
    for entry in history.of(Kind.REQUEST, Kind.WS_OPENING):
        is_known = entry.seq in answered if entry.kind is Kind.REQUEST else entry.subject in decided
        if entry.step in ended and not is_known:
            return f"what became of {entry.kind.value} {entry.subject} was not recorded"
    return None


def _pongs_missing(history: History) -> str | None:
    """Silences were proven by pongs that are not on record."""
    came = sum(int(entry.data.get("pongs", 0)) for entry in history.of(Kind.SILENCE))
    recorded = sum(bool(entry.data.get("is_pong")) for entry in history.of(Kind.WS_RECEIVED))
    if came > recorded:
        return f"{came} pongs came, {recorded} are on record: a probe dropped what it saw"
    return None


def _fewer_than_sent(history: History) -> str | None:
    """The platform counted more messages than the probes recorded.

    Only told where every connection ended in order, since what is in flight on a connection that
    is cut gets lost on the way.
    """
    silences = [entry for entry in history.of(Kind.SILENCE) if entry.data.get("proven")]
    if not silences:
        return None
    last = silences[-1]
    closed = [entry for entry in history.of(Kind.WS_CLOSED) if entry.seq < last.seq]
    if any(entry.data["by"] != "us" or entry.data["code"] != _CLOSED_IN_ORDER for entry in closed):
        return None
    sent = sum(
        int(history.entries[seq].data.get("messages", {}).get("sent", 0))
        for seq in last.data["rests_on"]
    )
    recorded = [
        entry
        for entry in history.of(Kind.WS_RECEIVED)
        if entry.seq < last.seq and not entry.data.get("is_ignored")
    ]
    if sent > len(recorded):
        return (
            f"the platform sent {sent} messages, the probes recorded {len(recorded)}: "
            "a probe dropped what it saw"
        )
    return None


def seconds_in_steps(history: History) -> float:
    """What the steps took together; the time between two cells, by hand, is nobody's fault."""
    return float(sum(entry.data.get("seconds", 0.0) for entry in history.of(Kind.STEP_ENDED)))


def seconds_of_our_own(history: History) -> float:
    """How long it was waited for what did not come, where silence cannot be proven, or for timeouts
    that the parameters state.

    That is the workbook's time, not the platform's: what did not come has a finding of its own.
    """
    if history.header.get("kind") == "embedded":
        return 0.0
    waits = [
        (e.t, float(e.data.get("seconds") or 0.0))
        for e in history.of(Kind.SILENCE, Kind.TIMEOUT)
        if not e.data.get("proven")
    ]
    waits += [
        (e.t, float(e.data["value"]))
        for e in history.of(Kind.MEASURED)
        if e.data.get("quantity") == CONFIGURED_WAIT
    ]
    total, covered_to = 0.0, 0.0
    for ended, seconds in sorted(waits):
        began = max(ended - seconds, covered_to)
        total += max(ended - began, 0.0)
        covered_to = max(covered_to, ended)
    return total


def _not_possible(history: History) -> str:
    """Why the case, or a step of it, cannot be had on this target; empty if it can."""
    missing = [str(e.data["reason"]) for e in history.of(Kind.UNAVAILABLE)]
    return "; ".join(dict.fromkeys([*_unfit(history), *missing]))


def _unfit(history: History) -> list[str]:
    """What the case needs and the target does not have, as the header says."""
    return [str(reason) for reason in history.header.get("unfit", ())]


def _came_to_its_end(history: History) -> bool:
    return history.is_complete and history.entries[-1].data.get("outcome") != "interrupted"


def _ran_out_of_a_guests_time(history: History) -> bool:
    """What was not waited for long enough may not be held against the platform."""
    return any(e.data.get("shortened") for e in history.of(Kind.TIMEOUT, Kind.WS_REFUSED))


def judge(history: History) -> Verdict:
    """The verdict of a history; reads nothing else."""
    case_id = str(history.header.get("case", ""))
    if case_id not in CASES:
        return Verdict(case_id, Outcome.ERROR, "the history has no header that names a case")
    broken = [
        entry
        for entry in history.of(Kind.STEP_ENDED, Kind.TRIAL_ENDED)
        if entry.data.get("outcome") in ("failed", "platform_ended")
    ]
    platform_ended = [entry for entry in broken if entry.data["outcome"] == "platform_ended"]
    if platform_ended:
        return Verdict(case_id, Outcome.ERROR, str(platform_ended[0].data.get("error")))
    try:
        judgement = check_for(case_id)(history)
    except Exception as error:  # a checker must not take the verdict down with it
        return Verdict(case_id, Outcome.ERROR, f"the check broke: {type(error).__name__}: {error}")
    claims = (
        components_healthy(history),
        *applications_run(history),
        *judgement.claims,
        within_time(history),
    )
    outcome, reason = outcome_of(claims, frozenset(history.header.get("optional_claims", ())))
    dropped = dropped_by_probes(history)
    if dropped is not None:
        outcome, reason = Outcome.INCONCLUSIVE, dropped
    elif broken and outcome is not Outcome.FAIL:
        outcome, reason = Outcome.ERROR, f"{broken[0].step}: {broken[0].data.get('error')}"
    elif outcome is Outcome.FAIL and _ran_out_of_a_guests_time(history):
        outcome, reason = (
            Outcome.INCONCLUSIVE,
            f"the target's limit on seconds ended a wait that was under way; till then: {reason}",
        )
    elif outcome is Outcome.PASS and not _came_to_its_end(history):
        outcome, reason = Outcome.INCONCLUSIVE, "the trial did not come to its end"
    elif outcome is Outcome.PASS and _unfit(history):
        outcome = Outcome.INCONCLUSIVE
        reason = f"cannot be judged here: {'; '.join(_unfit(history))} ({reason})"
    elif outcome is Outcome.INCONCLUSIVE and (missing := _not_possible(history)):
        reason = f"not possible here: {missing}; so {reason}"
    return Verdict(
        case_id,
        outcome,
        reason,
        claims,
        judgement.first_disagreement,
        seconds_in_steps(history),
    )
