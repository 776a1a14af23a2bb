"""Asks the services that we have started ourselves for what only their owner may: the controls.

A client of its own, not the probes': what is asked here is no observation and in no history. It
goes by httpcore, on which httpx stands, at half the price; a trial asks dozens of times.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Self

import httpcore

from gp_helpers.cloud_run import SECRET_HEADER

_TIMEOUTS = dict.fromkeys(("connect", "read", "write", "pool"), 10.0)
_MOST_CONNECTIONS = 100
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
        self._headers: dict[bytes | str, bytes | str] = {
            SECRET_HEADER: secret,
            "Content-Type": "application/json",
        }
        self._connections = httpcore.AsyncConnectionPool(
            max_connections=_MOST_CONNECTIONS, keepalive_expiry=_KEPT_ALIVE_S
        )

    async def ask(self, method: str, url: str, body: object = None) -> Mapping[str, Any]:
        """The answer's JSON object; empty where there is none.

        Raises `ControlError` for an answer other than a success; without an answer
        `httpcore.NetworkError`, `httpcore.ProtocolError` or `httpcore.TimeoutException`.
        """
        reply = await self._connections.request(
            method,
            url,
            headers=self._headers,
            content=None if body is None else json.dumps(body).encode(),
            extensions={"timeout": _TIMEOUTS},
        )
        if not 200 <= reply.status < 300:
            said = reply.content.decode(errors="replace")
            raise ControlError(f"{method} {url}", reply.status, said)
        answer: Mapping[str, Any] = json.loads(reply.content) if reply.content else {}
        return answer

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._connections.aclose()
