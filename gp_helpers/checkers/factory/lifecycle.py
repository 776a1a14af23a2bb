"""factory.lifecycle: what the platform holds returns to its baseline, session after session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from gp_helpers.checkers.claims import Disagreement, Judgement, Observed
from gp_helpers.history import Entry, History, Kind

LEFT = "FACTORY_RESOURCES_LEFT_BEHIND"
RESOURCES = ("connections", "handlers", "tasks", "sessions", "channels", "engines", "agents")
FEWEST_READINGS = 3
"""A baseline and two later readings: with fewer there is no growth to be seen."""


def check(history: History) -> Judgement:
    """Back to the baseline at the end, and no growth with the number of sessions."""
    returned = Observed(
        "resources_returned",
        "when everybody has left, the platform holds what it held before",
        LEFT,
    )
    growth = Observed("no_growth", "what the platform holds does not grow with the sessions", LEFT)
    took_place = _sessions_took_place(history)
    disagreement = None
    by_instance: dict[str, list[Entry]] = {}
    is_silent = False
    for entry in history.of(Kind.READING, Kind.SILENCE, Kind.WS_OPENING):
        if entry.kind is not Kind.READING:
            is_silent = entry.kind is Kind.SILENCE
        elif entry.data.get("resources") == "left" and is_silent:
            by_instance.setdefault(entry.subject, []).append(entry)
    if not by_instance:
        returned.unobserved("no reading of what the platform holds when nothing is under way")
    for instance, readings in by_instance.items():
        if len(readings) < FEWEST_READINGS:
            returned.unobserved(f"{len(readings)} readings of {instance}")
            continue
        first, last = readings[0], readings[-1]
        so_far = [float(entry.data["sessions_so_far"]) for entry in readings]
        for resource in held(first.data):
            values = [float(held(entry.data).get(resource, 0)) for entry in readings]
            left = values[-1] - values[0]
            returned.measured[f"{resource}_left"] = left
            returned.test(
                left <= 0,
                f"{left:g} {resource} left at {instance} after {so_far[-1]:g} sessions",
                first,
                last,
            )
            slope = _slope(so_far, values)
            growth.measured[f"{resource}_per_session"] = round(slope, 4)
            growth.test(
                slope <= 0 or not _only_grows(values),
                f"{slope:.2f} {resource} more with each session at {instance}",
                *readings,
            )
            if left > 0 and disagreement is None:
                grown = next(e for e in readings if held(e.data).get(resource, 0) > values[0])
                disagreement = Disagreement(
                    first.seq,
                    grown.seq,
                    f"nobody is connected at {instance}, and it holds "
                    f"{held(grown.data)[resource] - values[0]:g} {resource} more than before",
                )
    return Judgement((took_place.claim(), returned.claim(), growth.claim()), disagreement)


def held(reading: Mapping[str, object]) -> dict[str, float]:
    """How much of each resource a reading tells of; what it does not tell of is left out."""
    factories = reading.get("factories")
    found = {
        **(factories if isinstance(factories, Mapping) else {}),
        **{name: reading[name] for name in RESOURCES if name in reading},
    }
    return {name: _count(found[name]) for name in RESOURCES if name in found}


def _count(value: object) -> float:
    if isinstance(value, Mapping):
        return float(sum(value.values()))
    if isinstance(value, Sequence):
        return float(len(value))
    return float(value)  # type: ignore[arg-type]


def _sessions_took_place(history: History) -> Observed:
    claim = Observed("sessions_took_place", "every session was opened", "FACTORY_SESSION_REFUSED")
    expected = [entry for entry in history.of(Kind.EXPECTED) if "sessions" in entry.data]
    claim.expected = int(expected[-1].data["sessions"]) if expected else 1
    opened = {entry.subject: entry for entry in history.of(Kind.WS_OPENED)}
    greeted = {entry.subject for entry in history.of(Kind.WS_RECEIVED)}
    for subject in opened:
        if subject in greeted:
            claim.holds(opened[subject])
    for refused in history.of(Kind.WS_REFUSED):
        claim.violated(f"{refused.actor} is refused with {refused.data['status']}", refused)
    return claim


def _only_grows(values: Sequence[float]) -> bool:
    """Whether no later value lies below an earlier one."""
    return all(later >= earlier for earlier, later in pairwise(values))


def _slope(x: Sequence[float], y: Sequence[float]) -> float:
    """Least squares; 0 where x does not vary."""
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    across = sum((one - mean_x) ** 2 for one in x)
    if not across:
        return 0.0
    return sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / across
