"""Hosts services as processes or in a thread, and the ingress that applies Cloud Run's rules.

It knows nothing of the embedded platform: it hosts any ASGI application by import string. What
only a service's process needs, servers and their loop, is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

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
from gp_helpers.cloud_run.ingress_spec import (
    SECRET_HEADER,
    Action,
    ExistingInstance,
    ingress_spec,
)
from gp_helpers.cloud_run.rules import RULES, Rule
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

if TYPE_CHECKING:
    from gp_helpers.cloud_run.placement import Instance, InstanceState, Placement, PlacementRequest
    from gp_helpers.cloud_run.server import ServiceContext
    from gp_helpers.cloud_run.service_thread import close_service_thread

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

_LOADED_LATER = {
    "Instance": "placement",
    "InstanceState": "placement",
    "Placement": "placement",
    "PlacementRequest": "placement",
    "ServiceContext": "server",
    "close_service_thread": "service_thread",
}


def __getattr__(name: str) -> Any:
    if name in _LOADED_LATER:
        return getattr(import_module(f"{__name__}.{_LOADED_LATER[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
