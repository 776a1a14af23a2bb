"""What a run is expected to show, case by case, and the exit status that follows from it.

The expectation is worked out when the run begins and stands in its environment file, so that a
re-check needs neither the catalogue nor the parameter file.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from gp_helpers.checkers import Outcome
from gp_helpers.checkers.expectations import Expected, TrialEnd, counted
from gp_helpers.parameters import EmbeddedTarget, Expectation, ListedDefects, Parameters

_ANYTHING = Expected(None)
_PASS = Expected(Outcome.PASS)


def expected_of(case_id: str, parameters: Parameters) -> Expected:
    """What these parameters expect of a case.

    ``reproduce`` is about defects that are known to be on, so towards any other target than the
    embedded platform it expects nothing.
    """
    if parameters.expectation is Expectation.PASS:
        return _PASS
    if parameters.expectation is Expectation.NONE:
        return _ANYTHING
    if not isinstance(parameters.target, EmbeddedTarget):
        return _ANYTHING
    wiring = parameters.target.wiring
    if wiring == "remediated":
        return _PASS
    return _reproduced(case_id, wiring)


def _reproduced(case_id: str, wiring: str | ListedDefects) -> Expected:
    from gp_helpers.platform.defects.catalogue import CATALOGUE

    own = [defect for defect in CATALOGUE.values() if defect.case == case_id]
    if wiring == "all_defects":
        # Defects mask each other, so which code a case ends with is not foretold.
        return Expected(Outcome.FAIL) if own else _ANYTHING
    if isinstance(wiring, ListedDefects):
        on = [CATALOGUE[name] for name in wiring.defects if name in CATALOGUE]
        own = [defect for defect in own if defect.id in wiring.defects]
        if not own and any(case_id in defect.also_breaks for defect in on):
            return _ANYTHING
    codes = tuple(dict.fromkeys(defect.finding_code for defect in own))
    return Expected(Outcome.FAIL, codes) if own else _PASS


class ExitStatus(IntEnum):
    """The exit statuses of a run."""

    MET = 0
    """Every expectation was met."""
    NOT_MET = 1
    """Some expectation was not met."""
    INCONCLUSIVE = 2
    """Something was not observed."""
    USAGE = 3
    """Bad usage or parameters."""
    BROKEN = 4
    """The workbook or the embedded platform broke."""
    INTERRUPTED = 130


def exit_status(verdicts: Mapping[str, Any]) -> ExitStatus:
    """The exit status that the recorded verdicts of a run stand for."""
    cases = verdicts["cases"]
    outcomes = {case["outcome"] for case in cases}
    if verdicts.get("interrupted"):
        return ExitStatus.INTERRUPTED
    if Outcome.ERROR in outcomes:
        return ExitStatus.BROKEN
    if any(case["met"] is False and _is_otherwise(case) for case in cases):
        return ExitStatus.NOT_MET
    if not cases or any(_is_partly_unobserved(case) for case in cases):
        return ExitStatus.INCONCLUSIVE
    return ExitStatus.MET


def _is_otherwise(case: Mapping[str, Any]) -> bool:
    """Whether what was observed is not what was expected: of its trials, any that is conclusive."""
    ends = _ends(case)
    if not ends:
        return bool(case["outcome"] != Outcome.INCONCLUSIVE)
    expected = Expected.from_json(case["expected"])
    return any(
        end.outcome is not Outcome.INCONCLUSIVE and not expected.held_against(end)
        for end in expected.owed_by(ends)
    )


def _is_partly_unobserved(case: Mapping[str, Any]) -> bool:
    return case["outcome"] == Outcome.INCONCLUSIVE or any(
        end.outcome is Outcome.INCONCLUSIVE for end in counted(_ends(case))
    )


def _ends(case: Mapping[str, Any]) -> list[TrialEnd]:
    return [
        TrialEnd(
            Outcome(one["outcome"]),
            tuple(one["findings"]),
            one["reason"],
            is_whole=one["unfinished"] is None,
        )
        for one in case["trials"]
    ]
