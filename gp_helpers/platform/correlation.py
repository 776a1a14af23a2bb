"""Correlation ids and who is speaking: what ties a request's logs and errors together."""

from __future__ import annotations

import re
import secrets
from contextvars import ContextVar

_ACCEPTED = re.compile(r"[A-Za-z0-9_.:-]{1,128}")

_correlation_id: ContextVar[str | None] = ContextVar("correlation_id", default=None)
_service: ContextVar[str | None] = ContextVar("service", default=None)


def current_correlation_id() -> str | None:
    """The id of the request that is being served here, if there is one."""
    return _correlation_id.get()


def adopt_correlation_id(offered: str | None) -> str:
    """Take an offered id, or make one; from here on it is the current one of this task."""
    accepted = offered is not None and _ACCEPTED.fullmatch(offered)
    correlation_id = offered if offered and accepted else f"cor_{secrets.token_hex(8)}"
    _correlation_id.set(correlation_id)
    return correlation_id


def current_service() -> str | None:
    """`<service>/<instance id>` of the service that this task belongs to."""
    return _service.get()


def speak_as(service: str) -> None:
    """Say which service this task, and those that it starts, belong to."""
    _service.set(service)
