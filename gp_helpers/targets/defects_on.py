"""Which defects are on in an embedded target; known without anything that could start one."""

from __future__ import annotations

from gp_helpers.parameters.schema import EmbeddedTarget, ListedDefects
from gp_helpers.platform.defects.catalogue import CATALOGUE, defects_of
from gp_helpers.platform.wiring import Wiring


def defects_on(target: EmbeddedTarget, case_id: str) -> frozenset[str]:
    """The defects with which a case runs: as reported, exactly those of its catalogue entry."""
    match target.wiring:
        case "as_reported":
            return frozenset(defects_of(case_id))
        case "remediated":
            return frozenset()
        case "all_defects":
            return frozenset(CATALOGUE)
        case ListedDefects(defects=defects):
            return Wiring(defects).defects
    raise AssertionError(target.wiring)
