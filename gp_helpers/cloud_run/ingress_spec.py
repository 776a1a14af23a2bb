"""What one who starts an ingress has to know of it: its specification, and how it is controlled.

A module of its own: what the ingress itself is made of is for its process alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from gp_helpers.cloud_run.settings import RevisionSettings
from gp_helpers.cloud_run.spec import EntryKind, ServiceSpec, spec_to_json

SECRET_HEADER = "X-Golden-Path-Secret"


class Action(Enum):
    """What can be done to an instance on request."""

    TERMINATE = "terminate"
    """No new requests, SIGTERM, the grace period, SIGKILL."""
    KILL = "kill"
    """SIGKILL."""
    FREEZE = "freeze"
    """SIGSTOP."""
    RESUME = "resume"
    """SIGCONT."""
    FORGET = "forget"
    """Take out an instance that somebody else has started."""


@dataclass(frozen=True, slots=True)
class ExistingInstance:
    """An instance that somebody else has started, and ends."""

    id: str
    url: str


def ingress_spec(
    *,
    settings: RevisionSettings,
    secret: str,
    template: ServiceSpec | None = None,
    existing: Sequence[ExistingInstance] = (),
    name: str = "ingress",
    port: int = 0,
    start_timeout_s: float = 30.0,
) -> ServiceSpec:
    """Return the specification of an ingress, to be started on any host.

    Args:
        settings: The revision's settings; `min_instances` are ready when the ingress has started.
        secret: What requests to ``/internal/ingress`` and ``/internal/instances`` must present in
            ``X-Golden-Path-Secret``.
        template: What instances are started from; the n-th is named ``{template.name}-{n}``, which
            its configuration gets as ``instance_id``. ``None``: only `existing` ones serve.
        existing: Instances that run already.
    """
    return ServiceSpec(
        name=name,
        entry="gp_helpers.cloud_run.ingress:serve",
        kind=EntryKind.SERVER,
        reuses_process=True,
        port=port,
        start_timeout_s=start_timeout_s,
        config={
            "settings": settings.to_json(),
            "secret": secret,
            "template": None if template is None else spec_to_json(template),
            "existing": [{"id": one.id, "url": one.url} for one in existing],
        },
    )
