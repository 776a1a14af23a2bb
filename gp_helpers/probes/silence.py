"""Silence: nothing more is on its way. Proven through diagnostics where the platform lets us.

Proof: two equal readings with nothing in flight and unchanged message totals on every instance,
then a ping and its pong on every open socket. Elsewhere the target's ``silence_after_s`` is waited
for, and the entry says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from gp_helpers.history import Entry, Kind
from gp_helpers.probes.client import Client, NotDescribedError
from gp_helpers.targets.running import Ability

_POLL_S = 0.004


def _totals(reading: Mapping[str, Any]) -> tuple[Any, ...]:
    return (reading.get("in_flight"), reading.get("messages"), len(reading.get("queue") or ()))


async def silence(client: Client, *, timeout_s: float = 5.0) -> Entry:
    """Record that nothing more will come, proven or waited for; or that it does not get silent."""
    if not client.target.can(Ability.DIAGNOSTICS):
        seconds = client.target.description.silence_after_s
        await asyncio.sleep(seconds)
        return client.recorder.add(Kind.SILENCE, "lab", proven=False, seconds=seconds)
    services = [name for name in client.target.controls.services() if name.startswith("backend")]
    before: dict[str, tuple[Any, ...]] = {}
    try:
        async with asyncio.timeout(timeout_s):
            while True:
                readings = {name: await client.target.controls.state(name) for name in services}
                now = {name: _totals(reading) for name, reading in readings.items()}
                quiet = all(
                    reading.get("in_flight") == 0 and not reading.get("queue")
                    for reading in readings.values()
                )
                if quiet and now == before:
                    break
                before = now
                await asyncio.sleep(_POLL_S)
            basis = [
                client.recorder.add(Kind.READING, "lab", name, **readings[name]).seq
                for name in services
            ]
            pongs = [await _ping(client, socket) for socket in client.sockets if not socket.closed]
    except TimeoutError:
        return client.recorder.add(
            Kind.TIMEOUT, "lab", awaited="silence", seconds=timeout_s, definite=False
        )
    return client.recorder.add(
        Kind.SILENCE, "lab", proven=True, rests_on=basis, pongs=sum(pongs), of=len(pongs)
    )


async def _ping(client: Client, socket: Any) -> bool:
    try:
        return await client.ping(socket, 1.0)
    except NotDescribedError:
        return False
