"""Opening whatever target a parameter file states."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from pathlib import Path

import httpx

from gp_helpers.parameters.schema import AsgiTarget, DeploymentTarget, EmbeddedTarget
from gp_helpers.targets.running import Arrangement, RunningTarget


def open_target(
    target: EmbeddedTarget | AsgiTarget | DeploymentTarget,
    *,
    defects: frozenset[str],
    arrangement: Arrangement,
    folder: Path,
    http: httpx.AsyncClient,
) -> AbstractAsyncContextManager[RunningTarget]:
    """Open a target for one trial.

    ``defects`` and ``arrangement`` concern targets that are started for it; ``folder`` takes the
    logs of their services.
    """
    match target:
        case EmbeddedTarget():
            from gp_helpers.targets.embedded import open_embedded

            return open_embedded(
                target, defects=defects, arrangement=arrangement, folder=folder, http=http
            )
        case _:
            raise NotImplementedError(f"targets of kind {target.kind} cannot be opened yet")
