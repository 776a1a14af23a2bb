"""Opening whatever target a parameter file states."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from importlib import import_module
from pathlib import Path

from gp_helpers.parameters.schema import (
    AsgiTarget,
    DeploymentTarget,
    EmbeddedTarget,
    Isolation,
)
from gp_helpers.plan import SUITES
from gp_helpers.targets.running import Arrangement, RunningTarget

PRELOAD = (
    "gp_helpers.platform.services",
    *(f"gp_helpers.platform.defects.{suite}" for suite in SUITES),
    "gp_helpers.platform.service_client:tls_context",
    "gp_helpers.cloud_run.ingress",
    "gp_helpers.targets.rehearsal:rehearse",
)
"""What the parent of the embedded platform's processes has done before it is forked."""


def prepare(target: EmbeddedTarget | AsgiTarget | DeploymentTarget) -> None:
    """Do ahead of the first trial what takes long (blocking): import what its services need."""
    if runs_as_processes(target):
        from gp_helpers.cloud_run.zygote_owner import warm_zygote

        warm_zygote(PRELOAD)
    elif isinstance(target, EmbeddedTarget):
        for name in (*PRELOAD, "gp_helpers.targets.embedded"):
            import_module(name.partition(":")[0])


def runs_as_processes(target: EmbeddedTarget | AsgiTarget | DeploymentTarget) -> bool:
    """Whether each service of the target is a process of its own, with a parent to be warmed."""
    return isinstance(target, EmbeddedTarget) and target.isolation is Isolation.PROCESS


def open_target(
    target: EmbeddedTarget | AsgiTarget | DeploymentTarget,
    *,
    defects: frozenset[str],
    arrangement: Arrangement,
    folder: Path,
) -> AbstractAsyncContextManager[RunningTarget]:
    """Open a target for one trial.

    ``defects`` and ``arrangement`` concern targets that are started for it; ``folder`` takes the
    logs of their services.
    """
    match target:
        case EmbeddedTarget():
            from gp_helpers.targets.embedded import open_embedded

            return open_embedded(target, defects=defects, arrangement=arrangement, folder=folder)
        case AsgiTarget():
            from gp_helpers.targets.asgi import open_asgi

            return open_asgi(target, arrangement=arrangement, folder=folder)
        case DeploymentTarget():
            from gp_helpers.targets.deployment import open_deployment

            return open_deployment(target, arrangement=arrangement)
