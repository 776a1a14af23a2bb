"""Hosts services as processes or in a thread, and the ingress that applies Cloud Run's rules.

It knows nothing of the embedded platform: it hosts any ASGI application by import string.
"""

from __future__ import annotations

from gp_helpers.cloud_run.errors import (
    CloudRunError,
    EntryError,
    HostClosedError,
    NotSupportedError,
    PortTakenError,
    PreloadError,
    ServiceStartError,
)
from gp_helpers.cloud_run.garbage import spare_what_is_there
from gp_helpers.cloud_run.host import Host, RunningService, open_host
from gp_helpers.cloud_run.ingress import ExistingInstance, ingress_spec
from gp_helpers.cloud_run.ingress_control import SECRET_HEADER, Action
from gp_helpers.cloud_run.placement import Instance, InstanceState, Placement, PlacementRequest
from gp_helpers.cloud_run.rules import RULES, Rule
from gp_helpers.cloud_run.server import ServiceContext
from gp_helpers.cloud_run.service_thread import close_service_thread
from gp_helpers.cloud_run.settings import RevisionSettings
from gp_helpers.cloud_run.spec import (
    EntryKind,
    ExitStatus,
    HttpProbe,
    Isolation,
    Probe,
    ServiceSpec,
    TcpProbe,
)
from gp_helpers.cloud_run.zygote_owner import close_zygote, warm_zygote

__all__ = [
    "RULES",
    "SECRET_HEADER",
    "Action",
    "CloudRunError",
    "EntryError",
    "EntryKind",
    "ExistingInstance",
    "ExitStatus",
    "Host",
    "HostClosedError",
    "HttpProbe",
    "Instance",
    "InstanceState",
    "Isolation",
    "NotSupportedError",
    "Placement",
    "PlacementRequest",
    "PortTakenError",
    "PreloadError",
    "Probe",
    "RevisionSettings",
    "Rule",
    "RunningService",
    "ServiceContext",
    "ServiceSpec",
    "ServiceStartError",
    "TcpProbe",
    "close_service_thread",
    "close_zygote",
    "ingress_spec",
    "open_host",
    "spare_what_is_there",
    "warm_zygote",
]
