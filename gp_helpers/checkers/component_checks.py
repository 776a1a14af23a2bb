"""The checks that every case owes of each component alone, by name.

The steps make them, and a header says which were owed. On the embedded platform they follow from
the case, so that a header which leaves one out can be contradicted.
"""

from __future__ import annotations

from collections.abc import Iterable

HEALTHY = "answers its health endpoint"
ISSUES = "issues a token"
ACCEPTS = "accepts a token that was just issued, for whom it was issued to"
COMPLETES = "completes a prompt"
RUNS = "runs until it is asked to end, and starts again when it is asked to"
"""Of somebody's own applications; on record where one did not."""

_EMBEDDED = ("auth", "backend-1")
_EMBEDDED_ELSEWHERE = {
    "auth.timing": ("auth-1", "auth-2", "backend-1", "backend-2"),
    "routing.load_balancing": ("auth", "backend-1", "backend-2"),
    "websocket.handshake_race": ("auth",),
}
"""Several instances, or none yet: the services beside the model, where a case needs others."""


def checks_of(
    with_health: Iterable[str], validator: str | None, *, has_model: bool
) -> list[tuple[str, str]]:
    """Each component and the check that is owed of it."""
    owed = [(name, HEALTHY) for name in with_health]
    owed.append(("auth", ISSUES) if validator is None else (validator, ACCEPTS))
    if has_model:
        owed.append(("model", COMPLETES))
    return owed


def checks_of_embedded(case_id: str) -> list[tuple[str, str]]:
    """Those of a case on the embedded platform."""
    services = _EMBEDDED_ELSEWHERE.get(case_id, _EMBEDDED)
    return checks_of((*services, "model"), services[0], has_model=True)
