"""Puts fault proxies between the probes and a platform's socket, whatever kind of target it is.

The probes connect to the nearest proxy; Host, SNI, Origin and cookies stay those of the URL.
"""

from __future__ import annotations

import urllib.parse
from contextlib import AsyncExitStack
from dataclasses import dataclass

from gp_helpers.faults import FrameProxy, TcpProxy
from gp_helpers.parameters.description import Description
from gp_helpers.targets.tls import tls_context
from gp_helpers.targets.transports import MAX_MESSAGE_BYTES, Detour

LOOPBACK = "127.0.0.1"
_DEFAULT_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}
_SECURE = ("https", "wss")


@dataclass(frozen=True, slots=True)
class Between:
    """What stands between the probes and the socket."""

    tcp: TcpProxy | None = None
    frames: FrameProxy | None = None

    @property
    def detour(self) -> Detour | None:
        """Where the probes connect; None: to the URL's own address."""
        if self.frames is not None:
            return Detour(LOOPBACK, self.frames.port, True, self.frames.refusals)
        return Detour(LOOPBACK, self.tcp.port) if self.tcp is not None else None


async def put_between(
    stack: AsyncExitStack,
    description: Description,
    *,
    tcp: bool = False,
    frames: frozenset[str] | None = frozenset(),
) -> Between:
    """Put proxies in front of the socket, which end with `stack`; transparent until told otherwise.

    Args:
        tcp: Whether connections can be delayed and cut.
        frames: What may be done to messages (``hold``, ``delay``, …; ``None``: everything); empty:
            nothing, and no proxy is put.
    """
    if description.websocket is None:
        return Between()
    url = urllib.parse.urlsplit(description.websocket.url)
    name = url.hostname or ""
    address = (name, url.port or _DEFAULT_PORTS[url.scheme])
    cutting = await stack.enter_async_context(TcpProxy(*address)) if tcp else None
    if frames is not None and not frames:
        return Between(cutting)
    tls = None
    if url.scheme in _SECURE:  # reading what the system trusts takes tens of milliseconds
        tls = tls_context(verify=description.verify_tls, ca_file=description.tls_ca_file)
    looking = FrameProxy(
        *(address if cutting is None else (LOOPBACK, cutting.port)),
        server_tls=tls,
        server_host=name,
        host_header=_authority(url),
        max_message_bytes=MAX_MESSAGE_BYTES,
        allowed=frames,
    )
    return Between(cutting, await stack.enter_async_context(looking))


def _authority(url: urllib.parse.SplitResult) -> str:
    """What ``Host`` says of a URL; a client that is to talk plainly leaves out another port."""
    name = f"[{url.hostname}]" if ":" in (url.hostname or "") else url.hostname or ""
    is_default = url.port in (None, _DEFAULT_PORTS[url.scheme])
    return name if is_default else f"{name}:{url.port}"
