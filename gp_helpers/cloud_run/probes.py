"""Start-up probes: whether an instance counts as started, as Cloud Run's TCP and HTTP probes do."""

from __future__ import annotations

import asyncio

from gp_helpers.cloud_run.spec import LOOPBACK, HttpProbe, Probe

_SUCCESS = range(200, 400)


async def tcp_connects(port: int, *, host: str = LOOPBACK) -> bool:
    """Return whether a TCP connection to `port` succeeds."""
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    return True


async def http_status(path: str, port: int, *, host: str = LOOPBACK) -> int | None:
    """Return the status that GET `path` is answered with, ``None`` if there is no answer."""
    try:
        reader, writer = await asyncio.open_connection(host, port)
    except OSError:
        return None
    try:
        request = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n"
        writer.write(request.encode())
        status_line = await reader.readline()
        fields = status_line.split()
        return int(fields[1]) if len(fields) > 1 and fields[1].isdigit() else None
    except OSError:
        return None
    finally:
        writer.close()


async def passes(probe: Probe, port: int, *, host: str = LOOPBACK) -> bool:
    """Return whether one attempt of `probe` succeeds within its own timeout."""
    try:
        async with asyncio.timeout(probe.timeout_s):
            if isinstance(probe, HttpProbe):
                return await http_status(probe.path, port, host=host) in _SUCCESS
            return await tcp_connects(port, host=host)
    except TimeoutError:
        return False


async def wait_until_passed(probe: Probe, port: int, *, host: str = LOOPBACK) -> None:
    """Repeat `probe` with its period until an attempt succeeds."""
    while True:
        if await passes(probe, port, host=host):
            return
        await asyncio.sleep(probe.period_s)
