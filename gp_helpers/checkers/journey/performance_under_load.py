"""journey.performance_under_load: latency under load, and against the sessions so far.

Growth is claimed twice. What is counted (observers called and handlers walked for a message) rests
on the platform's diagnostics and cannot be disturbed by the machine. What is measured (latency, in
units of a plain read beside it) rests on the probes' clock alone, and counts as growth only where
a robust slope's whole interval lies above zero and the latency has at least doubled.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from gp_helpers.checkers.claims import Disagreement, Judgement, Observed
from gp_helpers.checkers.connections import connected
from gp_helpers.checkers.delivery import answered, questions
from gp_helpers.checkers.judging import threshold
from gp_helpers.history import Entry, History, Kind
from gp_helpers.statistics import percentile, robust_ratio, robust_slope

GROWS = "JOURNEY_LATENCY_GROWS_WITH_SESSIONS"
LEAST_SAMPLES = 6
CONFIDENCE = 0.99


def check(history: History) -> Judgement:
    """Everybody answered, in time, degradation, and the two views of growth."""
    samples = _samples(history)
    quiet = [entry for entry in samples if entry.data["phase"] == "quiet"]
    loaded = [entry for entry in samples if entry.data["phase"] == "loaded"]
    expected = [entry for entry in history.of(Kind.EXPECTED) if "journeys" in entry.data]
    users = [str(label) for entry in expected[-1:] for label in entry.data["journeys"]]
    work = _work_does_not_grow(history)
    claims = (
        connected(history, users, every_time=True).claim(),
        answered(
            questions(history),
            "JOURNEY_UNANSWERED_UNDER_LOAD",
            name="everybody_answered",
            statement="every question is answered, once, with load and without",
        ).claim(),
        _in_time(history, samples).claim(),
        _degradation(history, quiet, loaded).claim(),
        work.claim(),
        _latency_does_not_grow(history, quiet).claim(),
    )
    return Judgement(claims, _first_growth(work))


def _samples(history: History) -> list[Entry]:
    """Latencies whose question and answer are on record."""
    on_record = {entry.seq for entry in history.of(Kind.WS_SENT, Kind.WS_RECEIVED)}
    return [
        entry
        for entry in history.of(Kind.MEASURED)
        if entry.data.get("quantity") == "latency" and on_record.issuperset(entry.data["rests_on"])
    ]


def _in_time(history: History, samples: Sequence[Entry]) -> Observed:
    limit = threshold(history, "journey_seconds")
    claim = Observed(
        "answers_in_time",
        f"every answer takes under {limit:g} s",
        "JOURNEY_ANSWER_TOO_SLOW",
        expected=LEAST_SAMPLES,
        threshold="journey_seconds",
    )
    for entry in samples:
        seconds = entry.data["value"] / 1000
        claim.test(seconds < limit, f"an answer took {seconds:.1f} s", entry)
    return claim


def _degradation(history: History, quiet: Sequence[Entry], loaded: Sequence[Entry]) -> Observed:
    """Degraded is what is slower by more than allowed in every round, and beyond doubt in all."""
    limit = threshold(history, "degradation")
    claim = Observed(
        "degradation_under_load",
        "latency grows by less than the allowed share under load",
        "JOURNEY_DEGRADES_UNDER_LOAD",
        threshold="degradation",
    )
    if len(quiet) < LEAST_SAMPLES or len(loaded) < LEAST_SAMPLES:
        claim.unobserved(f"{len(quiet)} latencies without load and {len(loaded)} under load")
        return claim
    alone, beside = _values(quiet), _values(loaded)
    rounds = [
        median(_values(loaded, round_)) / median(_values(quiet, round_)) - 1
        for round_ in sorted({entry.data["round"] for entry in quiet})
        if _values(loaded, round_)
    ]
    overall = robust_ratio(beside, alone, confidence=CONFIDENCE)
    claim.measured |= {
        "quiet_p50_ms": round(percentile(alone, 50), 2),
        "quiet_p95_ms": round(percentile(alone, 95), 2),
        "loaded_p50_ms": round(percentile(beside, 50), 2),
        "loaded_p95_ms": round(percentile(beside, 95), 2),
        "degradation": round(overall.value - 1, 3),
        "degradation_lower": round(overall.lower - 1, 3),
        "least_of_a_round": round(min(rounds, default=0.0), 3),
    }
    claim.test(
        not rounds or min(rounds) < limit or overall.lower - 1 < limit,
        f"latency grows by {overall.value - 1:.0%} under load (at least "
        f"{overall.lower - 1:.0%}), allowed {limit:.0%}",
        *quiet,
        *loaded,
    )
    return claim


def _values(entries: Sequence[Entry], round_: int | None = None) -> list[float]:
    return [
        float(entry.data["value"])
        for entry in entries
        if round_ is None or entry.data["round"] == round_
    ]


def _work_does_not_grow(history: History) -> Observed:
    claim = Observed(
        "work_does_not_grow",
        "what one message causes does not grow with the number of sessions so far (counted: "
        "observers called, and handlers that it is offered to)",
        GROWS,
    )
    rounds = work_by_round(history)
    if len(rounds) < 2:
        claim.unobserved("what a message causes was not read at two numbers of sessions")
        return claim
    compared = {e.data["round"] for e in history.of(Kind.DECISION) if "calls" in e.data}
    if len(compared) < len(rounds):
        claim.unobserved("what a message causes was not compared in every round")
    (few, less, first), *_, (many, more, last) = rounds
    claim.measured |= {
        "sessions_first": few,
        "work_per_message_first": less,
        "sessions_last": many,
        "work_per_message_last": more,
    }
    claim.test(
        more <= less,
        f"a message causes {less:g} calls after {few} sessions, {more:g} after {many}",
        *first,
        *last,
    )
    return claim


def work_by_round(history: History) -> list[tuple[int, float, list[Entry]]]:
    """Sessions so far, work a message, and the readings, round by round."""
    readings = [
        entry for entry in history.of(Kind.READING) if "work" in entry.data and "runs" in entry.data
    ]
    found = []
    for round_ in sorted({entry.data["round"] for entry in readings}):
        of_round = [entry for entry in readings if entry.data["round"] == round_]
        before = [entry for entry in of_round if entry.data["work"] == "before"]
        after = [entry for entry in of_round if entry.data["work"] == "after"]
        if not before or len(before) != len(after):
            continue
        called = _notified(after) - _notified(before)
        handlers = sum(entry.data["handlers"] for entry in before)
        found.append(
            (
                int(before[0].data["sessions"]),
                called / before[0].data["answered"] + handlers,
                of_round,
            )
        )
    return found


def _notified(readings: Sequence[Entry]) -> int:
    return sum(int(entry.data["runs"]["notified"]) for entry in readings)


def _latency_does_not_grow(history: History, quiet: Sequence[Entry]) -> Observed:
    limit = threshold(history, "degradation")
    claim = Observed(
        "latency_does_not_grow",
        "latency does not grow with the number of sessions so far (measured: the robust slope of "
        "latency over sessions, without load)",
        GROWS,
        threshold="degradation",
    )
    if len(quiet) < LEAST_SAMPLES or len({entry.data["sessions"] for entry in quiet}) < 2:
        claim.unobserved(f"{len(quiet)} latencies without load")
        return claim
    sessions = [float(entry.data["sessions"]) for entry in quiet]
    reads = [entry.data["read_ms"] for entry in quiet]
    latencies = [
        entry.data["value"] / (read if read and all(reads) else 1.0)
        for entry, read in zip(quiet, reads, strict=True)
    ]
    plain = robust_slope(sessions, _values(quiet), confidence=CONFIDENCE)
    fitted = robust_slope(sessions, latencies, confidence=CONFIDENCE)
    start = max(fitted.intercept + fitted.value * min(sessions), min(latencies))
    grown = fitted.value * (max(sessions) - min(sessions)) / start
    claim.measured |= {
        "ms_per_session": round(plain.value, 4),
        "ms_per_session_lower": round(plain.lower, 4),
        "ms_per_session_upper": round(plain.upper, 4),
        "growth": round(grown, 3),
    }
    claim.test(
        not (fitted.is_growth and plain.is_growth and grown >= limit),
        f"latency grows by {plain.value:.2f} ms a session "
        f"({plain.lower:.2f} to {plain.upper:.2f}), {grown:.0%} in all",
        *quiet,
    )
    return claim


def _first_growth(work: Observed) -> Disagreement | None:
    if not work.violations:
        return None
    entries, detail = work.violations[0]
    numbers = [e if isinstance(e, int) else e.seq for e in entries]
    return Disagreement(min(numbers), max(numbers), detail)
