"""The event loop of services: uvloop's, as in deployments, but without threads of its own.

libuv looks names up in four threads that it never ends; the zygote must not have any when it forks.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from typing import Any

import uvloop


class _Loop(uvloop.Loop):
    async def getaddrinfo(
        self,
        host: Any,
        port: Any,
        *,
        family: int = 0,
        type: int = 0,  # noqa: A002 - asyncio's name
        proto: int = 0,
        flags: int = 0,
    ) -> list[Any]:
        # For an address uvloop needs no thread, once it is told the kind of socket; its own
        # `sock_connect`, with which aiohttp connects, does not tell.
        found: list[Any] = await super().getaddrinfo(
            host,
            port,
            family=family,
            type=type or (socket.SOCK_STREAM if _is_address(host) else 0),
            proto=proto,
            flags=flags,
        )
        return found


def _is_address(host: object) -> bool:
    if not isinstance(host, str):
        return False
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def new_event_loop() -> asyncio.AbstractEventLoop:
    """Return a loop for the services of a process."""
    return _Loop()
