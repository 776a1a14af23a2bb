"""Opening whatever target a parameter file states."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from importlib import import_module
from importlib.util import find_spec
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
_FOR_APPLICATIONS = ("fastapi", "httpx")
"""Imported once for all instances, where they are installed: it is what most of a start takes."""


def prepare(target: EmbeddedTarget | AsgiTarget | DeploymentTarget) -> None:
    """Do ahead of the first trial what takes long (blocking): import what its services need."""
    preload = preloaded_for(target)
    if preload:
        from gp_helpers.cloud_run.zygote_owner import warm_zygote

        warm_zygote(preload)
    elif isinstance(target, EmbeddedTarget):
        for name in (*PRELOAD, "gp_helpers.targets.embedded"):
            import_module(name.partition(":")[0])


def preloaded_for(target: EmbeddedTarget | AsgiTarget | DeploymentTarget) -> Sequence[str]:
    """What the parent of the target's processes has imported; nothing where it has none.

    Never the user's own code, which is to begin anew with every instance.
    """
    if not runs_as_processes(target):
        return ()
    if isinstance(target, EmbeddedTarget):
        return PRELOAD
    installed = (name for name in _FOR_APPLICATIONS if find_spec(name) is not None)
    return ("gp_helpers.cloud_run.ingress", *installed)


def runs_as_processes(target: EmbeddedTarget | AsgiTarget | DeploymentTarget) -> bool:
    """Whether each service of the target is a process of its own, with a parent to be warmed."""
    if isinstance(target, DeploymentTarget):
        return False
    return target.isolation is Isolation.PROCESS


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
