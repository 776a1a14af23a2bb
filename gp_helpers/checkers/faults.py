"""Whether the faults of a trial were really felt: without that, what follows shows nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from gp_helpers.checkers.claims import Observed
from gp_helpers.history import History, Kind


def faults_were_felt(history: History, faults: Mapping[str, Collection[str]]) -> Observed:
    """Each fault hit something; by its name, the abilities that putting it needs.

    What a platform does with a fault shows only where something was really broken.
    """
    lacking = history.header.get("lacking", {})
    possible = [one for one, needed in faults.items() if not set(needed) & set(lacking)]
    missing = [one for one in faults if one not in possible]
    limited = f", of those that can be put here (not: {', '.join(missing)})" if missing else ""
    which = f"each of the {len(faults)} faults" if len(faults) > 1 else "the fault"
    claim = Observed(
        "faults_were_felt",
        f"{which} hit what it was meant for{limited}",
        "FAULT_NOT_FELT",
        expected=max(len(possible), 1),
    )
    for fault in possible:
        noted = [e for e in history.of(Kind.MEASURED) if e.data.get("fault") == fault]
        if noted and all(entry.data["value"] for entry in noted):
            claim.holds(*noted)
        else:
            claim.unobserved(f"the fault {fault} was not felt")
    return claim
