"""The one HTTP client of a service, for its hops to other services.

On aiohttp, a request costs a service a fifth of the processor time that it costs with httpx, which
stays what the probes use.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from functools import cache
from typing import Self

import aiohttp
import certifi

from gp_helpers.platform.contract import CORRELATION_HEADER
from gp_helpers.platform.correlation import current_correlation_id
from gp_helpers.platform.hops import HopFailed, HopReply, HopUnreachable

_MOST_CONNECTIONS = 200
_KEPT_ALIVE_S = 4.0
"""Less than the 5 s after which uvicorn closes an idle connection, so that none is used then."""


class ServiceClient:
    """Keeps connections, hands the correlation id on to the next hop, follows no redirects."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def request(
        self,
        method: str,
        url: str,
        *,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
    ) -> HopReply:
        """The answer.

        Args:
            body: Sent as JSON; ``None`` sends none.
            timeout_s: Time to connect, and between two pieces of the answer; ``None`` is no limit,
                for callers that limit the whole.

        Raises:
            HopUnreachable: no connection was made.
            HopFailed: there is no answer, or no whole one.
        """
        sent = {} if headers is None else dict(headers)
        correlation_id = current_correlation_id()
        if correlation_id is not None:
            sent[CORRELATION_HEADER] = correlation_id
        try:
            async with self._opened().request(
                method,
                url,
                json=body,
                headers=sent,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(
                    total=None, sock_connect=timeout_s, sock_read=timeout_s
                ),
            ) as response:
                return HopReply(response.status, await response.read())
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise HopUnreachable(f"{method} {url}: {error}") from error
        except (aiohttp.ClientError, aiohttp.ServerTimeoutError, OSError) as error:
            raise HopFailed(f"{method} {url}: {type(error).__name__}: {error}") from error

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close its connections."""
        if self._session is not None:
            await self._session.close()

    def _opened(self) -> aiohttp.ClientSession:
        # A session belongs to a loop, and a service is put together before its loop serves it.
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=_MOST_CONNECTIONS, keepalive_timeout=_KEPT_ALIVE_S, ssl=tls_context()
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session


@cache
def tls_context() -> ssl.SSLContext:
    """One for all clients of a process: reading the certificates takes tens of ms."""
    return ssl.create_default_context(cafile=certifi.where())
