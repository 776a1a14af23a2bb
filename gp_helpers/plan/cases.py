"""All 23 cases of the plan in its order, and how they are chosen by name."""

from __future__ import annotations

from collections.abc import Iterable

from gp_helpers.plan.auth_cases import AUTH_CASES
from gp_helpers.plan.factory_cases import FACTORY_CASES
from gp_helpers.plan.journey_cases import JOURNEY_CASES
from gp_helpers.plan.kinds import CaseInfo, Suite, UnknownNameError
from gp_helpers.plan.routing_cases import ROUTING_CASES
from gp_helpers.plan.websocket_cases import WEBSOCKET_CASES

_CASES: tuple[CaseInfo, ...] = (
    *AUTH_CASES,
    *WEBSOCKET_CASES,
    *ROUTING_CASES,
    *FACTORY_CASES,
    *JOURNEY_CASES,
)
CASES: dict[str, CaseInfo] = {case.id: case for case in _CASES}


def case_info(case_id: str) -> CaseInfo:
    """The plan's entry of a case; `UnknownNameError` with a suggestion if there is none."""
    try:
        return CASES[case_id]
    except KeyError:
        raise UnknownNameError("case", case_id, CASES) from None


def cases_of(suite: Suite) -> tuple[CaseInfo, ...]:
    """The cases of a suite, in the plan's order."""
    return tuple(case for case in _CASES if case.suite is suite)


def select(names: Iterable[str]) -> tuple[CaseInfo, ...]:
    """The cases that suite names and case ids select, in the plan's order; no name selects all."""
    wanted: set[str] = set()
    for name in names:
        if name in CASES:
            wanted.add(name)
        elif name in list(Suite):
            wanted.update(case.id for case in cases_of(Suite(name)))
        else:
            raise UnknownNameError("suite or case", name, [*CASES, *Suite])
    return tuple(case for case in _CASES if not wanted or case.id in wanted)
