"""What a run effectively ran under, and which environment that makes it one of.

The command line changes what an environment's file states, and the run keeps the name. Runs are one
environment only if they ran alike: the same wiring or target, amounts and thresholds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gp_helpers.evidence.environment import without_secrets
from gp_helpers.evidence.files import sha256
from gp_helpers.evidence.reading import Reading
from gp_helpers.evidence.stated import parameters_in
from gp_helpers.parameters import (
    EmbeddedTarget,
    ListedDefects,
    Parameters,
    known_environments,
    load,
    validate,
)
from gp_helpers.plan import THRESHOLDS

_FINGERPRINT = 6
_REMEDIATED = "remediated"
_EXPECTED = {"as_reported", _REMEDIATED}
"""The wirings of a comparison before and after the fix."""


def conditions_of(parameters: Parameters) -> dict[str, Any]:
    """What can make a case fare otherwise, by the name that it is told under."""
    target = parameters.target
    if isinstance(target, EmbeddedTarget):
        under: dict[str, Any] = {
            "wiring": _wiring(target.wiring),
            "isolation": target.isolation.value,
            "time_scale": target.time_scale,
        }
    else:
        under = {"target": parameters.as_json()["target"]}
    return {
        "kind of target": target.kind,
        **under,
        "concurrent_users": parameters.concurrent_users,
        "sessions": parameters.sessions,
        **{f"threshold {name}": parameters.threshold(name) for name in THRESHOLDS},
    }


def recorded_conditions(reading: Reading) -> dict[str, Any]:
    """Those of a run; what it states in their place if its parameters cannot be read any more."""
    try:
        return conditions_of(parameters_in(reading.environment))
    except ValueError:
        return {"parameters": reading.environment.get("parameters")}


def effective_environments(readings: Sequence[Reading]) -> list[str]:
    """The environment of each run: its name, with what it ran otherwise than the name's file says.

    Where there is no such file in ``parameters/`` (a bundle from elsewhere), with what sets the
    runs of that name apart from each other.
    """
    names = [str(reading.verdicts["environment"]) for reading in readings]
    ran = [recorded_conditions(reading) for reading in readings]
    apart: dict[str, list[Mapping[str, Any]]] = {}
    for name, one in zip(names, ran, strict=True):
        apart.setdefault(name, []).append(one)
    stated = {name: _as_stated(name) for name in apart}
    return [
        name + "".join(_told(one, stated[name], apart[name]))
        for name, one in zip(names, ran, strict=True)
    ]


def told_apart(before: Reading, after: Reading) -> list[str]:
    """What two runs differ in, but for environment, expectation and a wiring's two usual names.

    Where it is not empty, what became of a case is not only what became of the platform.
    """
    left, right = (
        {
            **recorded_conditions(one),
            **{key: one.environment.get(key) for key in ("seed", "trials")},
        }
        for one in (before, after)
    )
    told = []
    for key, old in left.items():
        new = right.get(key)
        if key not in right or old == new or (key == "wiring" and {old, new} == _EXPECTED):
            continue
        if isinstance(old, dict) and isinstance(new, dict):
            differing = [name for name in {**old, **new} if old.get(name) != new.get(name)]
            told.append(f"{key} differs in {', '.join(differing)}")
        else:
            told.append(f"{key} {_in_words(old)}, then {_in_words(new)}")
    old_cases, new_cases = (
        [case["case"] for case in one.verdicts["cases"]] for one in (before, after)
    )
    for where, cases, others in (("before", old_cases, new_cases), ("after", new_cases, old_cases)):
        if missing := [case for case in cases if case not in others]:
            told.append(f"cases only {where}: {', '.join(missing)}")
    return told


def _told(
    one: Mapping[str, Any],
    stated: Mapping[str, Any] | None,
    of_that_name: Sequence[Mapping[str, Any]],
) -> Iterator[str]:
    others = of_that_name if stated is None else [stated]
    for key, value in one.items():
        if all(other.get(key) == value for other in others):
            continue
        if isinstance(value, tuple) and stated is not None and stated.get(key) == _REMEDIATED:
            yield f" + {' + '.join(value)}"
        else:
            yield f", {'' if isinstance(value, tuple) else f'{key} '}{_in_words(value)}"


def _in_words(value: Any) -> str:
    """A condition's value; of what is too much for a few words a fingerprint."""
    if isinstance(value, tuple):
        return f"only {' + '.join(value)}"
    if isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return f"{value:g}"
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return sha256(canonical.encode())[:_FINGERPRINT]


def _wiring(wiring: str | ListedDefects) -> str | tuple[str, ...]:
    if isinstance(wiring, ListedDefects):
        return tuple(sorted(wiring.defects)) or _REMEDIATED
    return wiring


def _as_stated(name: str) -> dict[str, Any] | None:
    """What the environment's file states; a path is not followed, a stranger may have named it."""
    if name not in known_environments():
        return None
    try:
        stated = without_secrets(load(name).as_json())
        return conditions_of(validate(stated, source=name))
    except ValueError:
        return None
