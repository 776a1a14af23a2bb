"""What a run states of itself, held against its parameters and the plan.

The header of a history and the environment file follow from the parameters: which claims may stay
unobserved, which thresholds apply, what was expected. Whoever edits one has to edit all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gp_helpers.checkers.component_checks import checks_of_embedded
from gp_helpers.evidence.expected import expected_of
from gp_helpers.parameters import EVENTS, EmbeddedTarget, ParameterError, Parameters, validate
from gp_helpers.plan import CASES, THRESHOLDS, UnknownNameError, select

Stated = tuple[str, Any, Any]
"""A key, what is stated, and what follows."""


def parameters_in(environment: Mapping[str, Any]) -> Parameters:
    """The parameters of a run; raises ``ValueError`` if there are none that can be read."""
    stated = environment.get("parameters")
    if not isinstance(stated, dict):
        raise ValueError("it does not say with which parameters it was made")
    try:
        return validate(stated, source="its parameters")
    except (ParameterError, UnknownNameError) as error:
        raise ValueError(str(error)) from error


def in_environment(environment: Mapping[str, Any], parameters: Parameters) -> Iterator[Stated]:
    """What an environment file states and its parameters do not."""
    selected = [case for case in environment["selected"] if case in CASES]
    chosen = [case.id for case in select(parameters.cases)]
    follows = {
        "expectation": parameters.expectation.value,
        "seed": parameters.seed,
        "trials": parameters.trials,
        "success_threshold": parameters.threshold("success_rate"),
        "expected": {case: expected_of(case, parameters).to_json() for case in selected},
        "selected": [case for case in chosen if case in selected],
    }
    for key, value in follows.items():
        if environment.get(key) != value:
            yield key, environment.get(key), value


def left_out(environment: Mapping[str, Any], parameters: Parameters) -> list[str]:
    """Cases that the parameters select and the run did not: by hand, one suite's are taken."""
    return [case.id for case in select(parameters.cases) if case.id not in environment["selected"]]


def in_header(
    header: Mapping[str, Any], case: str, role: str, number: int, parameters: Parameters
) -> Iterator[Stated]:
    """What a history's header states and the parameters do not. Empty for a history without one."""
    if not header or case not in CASES:
        return
    follows: dict[str, Any] = {
        "role": role,
        "trial": number,
        "seed": parameters.seed + number - 1,
        "kind": parameters.target.kind,
        "concurrent_users": parameters.concurrent_users,
    }
    if isinstance(parameters.target, EmbeddedTarget):
        follows |= {"optional_claims": [], "lacking": {}, "answer_rules": None}
        follows["defects"] = _defects(parameters.target, case) if role == "trial" else []
        follows["events"] = list(EVENTS)
        follows["components"] = [list(owed) for owed in checks_of_embedded(case)]
    for key, value in follows.items():
        if header.get(key) != value:
            yield key, header.get(key), value
    yield from _thresholds(header.get("thresholds"), case, parameters)
    if not isinstance(parameters.target, EmbeddedTarget):
        yield from _optional(header.get("optional_claims"), case, parameters.target.kind)


def _thresholds(stated: Any, case: str, parameters: Parameters) -> Iterator[Stated]:
    """Limits that are not those that apply; the checkers take the plan's where none is stated."""
    follows = {name: parameters.threshold(name) for name in CASES[case].thresholds}
    is_the_same = (
        isinstance(stated, dict)
        and stated.keys() <= follows.keys()
        and all(stated.get(name, THRESHOLDS[name].limit) == at for name, at in follows.items())
    )
    if not is_the_same:
        yield "thresholds", stated, follows


def _defects(target: EmbeddedTarget, case: str) -> list[str]:
    from gp_helpers.platform.defects.catalogue import CATALOGUE

    match target.wiring:
        case "as_reported":
            return sorted(one.id for one in CATALOGUE.values() if one.case == case)
        case "remediated":
            return []
        case "all_defects":
            return sorted(CATALOGUE)
        case listed:
            return sorted(listed.defects)


def _optional(stated: Any, case: str, kind: str) -> Iterator[Stated]:
    """Claims that the case lets nobody leave unobserved; on a target that lacks much, most may."""
    if not stated:
        return
    try:
        from gp_helpers.cases import case_class
    except ImportError:  # it needs a client's libraries, which a re-check does without
        yield "optional_claims", stated, "what cannot be looked up without the cases' own modules"
        return
    cls = case_class(case)
    may_be = {*cls.optional_claims.get(kind, ())}.union(*cls.optional_without.values())
    if not isinstance(stated, list) or not may_be.issuperset(map(str, stated)):
        yield "optional_claims", stated, sorted(may_be)
