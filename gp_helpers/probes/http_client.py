"""The HTTP client of a lab: no cookies, no redirects, certificates verified as the target says.

Many people use one, so what one of them is given must not reach another.
"""

from __future__ import annotations

import functools
import ssl
from http.cookiejar import DefaultCookiePolicy

import httpx

KEPT_ALIVE_S = 2.0
"""So long an idle connection is used again: well below the 5 s after which uvicorn closes it."""


def new_client(
    *, verify: bool | ssl.SSLContext = True, timeout_s: float = 10.0
) -> httpx.AsyncClient:
    """The one HTTP client of a lab.

    It keeps no cookies, since many people use it, and follows no redirect: where a server sends
    people is on record, and the probes stay at the hosts that the target names.
    """
    limits = httpx.Limits(
        max_connections=400, max_keepalive_connections=100, keepalive_expiry=KEPT_ALIVE_S
    )
    client = httpx.AsyncClient(
        mounts={"http://": httpx.AsyncHTTPTransport(verify=False, limits=limits)},
        transport=_Secured(verify, limits),
        timeout=timeout_s,
        trust_env=False,
        follow_redirects=False,
    )
    client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return client


class _Secured(httpx.AsyncBaseTransport):
    """For ``https``: reads the authorities' certificates, which takes 50 ms, when it is used."""

    def __init__(self, verify: bool | ssl.SSLContext, limits: httpx.Limits) -> None:
        self._verify = verify
        self._limits = limits
        self._transport: httpx.AsyncHTTPTransport | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._transport is None:
            verify = _trusting() if self._verify is True else self._verify
            self._transport = httpx.AsyncHTTPTransport(verify=verify, limits=self._limits)
        return await self._transport.handle_async_request(request)

    async def aclose(self) -> None:
        if self._transport is not None:
            await self._transport.aclose()


@functools.cache
def _trusting() -> ssl.SSLContext:
    """What verifies by default, one for all clients of a process."""
    return httpx.create_ssl_context(trust_env=False)
