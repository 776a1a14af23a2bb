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
from gp_helpers.cloud_run.host import Host, RunningService, open_host
from gp_helpers.cloud_run.spec import (
    EntryKind,
    ExitStatus,
    HttpProbe,
    Isolation,
    Probe,
    ServiceSpec,
    TcpProbe,
)

__all__ = [
    "CloudRunError",
    "EntryError",
    "EntryKind",
    "ExitStatus",
    "Host",
    "HostClosedError",
    "HttpProbe",
    "Isolation",
    "NotSupportedError",
    "PortTakenError",
    "PreloadError",
    "Probe",
    "RunningService",
    "ServiceSpec",
    "ServiceStartError",
    "TcpProbe",
    "open_host",
]
