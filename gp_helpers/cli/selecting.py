"""What the command line selects: environments with its changes, validated like files."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from gp_helpers.parameters import (
    EmbeddedTarget,
    ParameterError,
    Parameters,
    load,
    validate,
)
from gp_helpers.plan import CaseInfo, Suite, UnknownNameError, case_info, select
from gp_helpers.targets.requirements import require_usable

REMEDIATED = "remediated"


@dataclass(frozen=True)
class Selected:
    """One environment, with what the command line changed about it."""

    name: str
    parameters: Parameters
    cases: tuple[CaseInfo, ...]


def environments(options: argparse.Namespace) -> Sequence[str]:
    if options.env:
        return list(dict.fromkeys(options.env))
    return ["remediated" if options.expect == "remediated" else "as_reported"]


def selected(name: str, options: argparse.Namespace) -> Selected:
    """An environment with the command line's changes, validated like a file."""
    data = load(name).as_json()
    if options.wiring or options.defect or options.isolation:
        if data.get("target", {}).get("kind", "embedded") != "embedded":
            raise ParameterError(
                f"--env {name}", ["--wiring, --defect and --isolation concern the embedded target"]
            )
        target = dict(data["target"])
        target |= {"wiring": options.wiring} if options.wiring else {}
        target |= {"wiring": {"defects": options.defect}} if options.defect else {}
        target |= {"isolation": options.isolation} if options.isolation else {}
        data["target"] = target
    known_defects(options.defect, source="--defect")
    for suite in options.suite:
        if suite not in list(Suite):
            raise UnknownNameError("suite", suite, list(Suite))
    for case in options.case:
        case_info(case)
    expected = "pass" if options.expect == "remediated" else options.expect
    changes = {
        "cases": [*options.suite, *options.case] or None,
        "seed": options.seed,
        "trials": options.trials,
        "concurrent_users": options.users,
        "expectation": expected,
    }
    data |= {key: value for key, value in changes.items() if value is not None}
    parameters = validate(data, source=f"--env {name} with the command line's options")
    require_usable(name, parameters.target)
    cases = select(parameters.cases)
    return Selected(name, parameters, cases)


def known_defects(names: Iterable[str], *, source: str) -> frozenset[str]:
    """Defects that an option names; `ParameterError` says which of them is unknown."""
    from gp_helpers.platform.wiring import UnknownDefect, Wiring

    try:
        return Wiring(names).defects
    except UnknownDefect as error:
        raise ParameterError(source, [str(error)]) from None


def twin(one: Selected, chosen: Sequence[Selected]) -> str | None:
    """The environment whose trials are this one's contrasts: all the same, but for no defects."""
    target = one.parameters.target
    if not isinstance(target, EmbeddedTarget) or target.wiring == REMEDIATED:
        return None
    own = _but_for_the_wiring(one.parameters)
    for other in chosen:
        theirs = other.parameters.target
        if (
            isinstance(theirs, EmbeddedTarget)
            and theirs.wiring == REMEDIATED
            and _but_for_the_wiring(other.parameters) == own
        ):
            return other.name
    return None


def _but_for_the_wiring(parameters: Parameters) -> dict[str, Any]:
    data = parameters.as_json()
    target = {key: value for key, value in data["target"].items() if key != "wiring"}
    kept = {key: value for key, value in data.items() if key not in ("expectation", "cases")}
    return kept | {"target": target}
