"""Asks the services that we have started ourselves for what only their owner may: the controls.

Its own client, not the probes': what is asked here is no observation and in no history, and a run
asks it as often as it sends requests.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from gp_helpers.cloud_run import SECRET_HEADER
from gp_helpers.platform.service_client import ServiceClient

_ANSWER_WITHIN_S = 10.0


class ControlError(Exception):
    """Raised when a service of ours did not do what it was asked."""

    def __init__(self, asked: str, status: int, said: str) -> None:
        super().__init__(f"{asked} was answered with {status}: {said}")
        self.status = status


class ControlClient:
    """Sends the run's secret along; its connections end with the context."""

    def __init__(self, secret: str) -> None:
        self._http = ServiceClient()
        self._headers = {SECRET_HEADER: secret}

    async def ask(self, method: str, url: str, body: object = None) -> Mapping[str, Any]:
        """The answer's JSON object; empty where there is none.

        Raises `ControlError` for an answer other than a success, `HopFailed` without one.
        """
        reply = await self._http.request(
            method, url, body=body, headers=self._headers, timeout_s=_ANSWER_WITHIN_S
        )
        if not reply.is_success:
            said = reply.content.decode(errors="replace")
            raise ControlError(f"{method} {url}", reply.status, said)
        answer: Mapping[str, Any] = reply.json() if reply.content else {}
        return answer

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.close()
