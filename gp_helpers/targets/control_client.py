"""Asks the services that we have started ourselves for what only their owner may: the controls.

A client of its own, not the probes': what is asked here is no observation and in no history, and a
client asks each connection that it keeps whether it is still open, at every request.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import httpx

from gp_helpers.cloud_run import SECRET_HEADER

_ANSWER_WITHIN_S = 10.0
_KEPT_ALIVE_S = 2.0
"""So long an idle connection is used again: well below the 5 s after which uvicorn closes it."""


class ControlError(Exception):
    """Raised when a service of ours did not do what it was asked."""

    def __init__(self, asked: str, status: int, said: str) -> None:
        super().__init__(f"{asked} was answered with {status}: {said}")
        self.status = status


class ControlClient:
    """Sends the run's secret along; its connections end with the context."""

    def __init__(self, secret: str) -> None:
        self._http = httpx.AsyncClient(
            headers={SECRET_HEADER: secret},
            timeout=_ANSWER_WITHIN_S,
            limits=httpx.Limits(keepalive_expiry=_KEPT_ALIVE_S),
            trust_env=False,
            verify=False,  # Loopback, without TLS: to read the system's authorities takes 40 ms.
        )

    async def ask(self, method: str, url: str, body: object = None) -> Mapping[str, Any]:
        """The answer's JSON object; empty where there is none.

        Raises `ControlError` for an answer other than a success, `httpx.HTTPError` without one.
        """
        reply = await self._http.request(method, url, json=body)
        if not reply.is_success:
            raise ControlError(f"{method} {url}", reply.status_code, reply.text)
        answer: Mapping[str, Any] = reply.json() if reply.content else {}
        return answer

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()
