"""Silence: nothing more is on its way. Proven through diagnostics where the platform lets us.

Proof: a pong on every open socket, so that the platform has read what was sent; then two equal
readings with nothing in flight and unchanged message totals on every instance; then a pong again,
so that what the platform sent has arrived. Elsewhere the target's ``silence_after_s`` is waited
for, and the entry says so; no longer than its limits allow, and then it is no silence.

A platform that goes on with its work is waited for, however slow its machine is; one that has work
under way and does nothing is not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from gp_helpers.history import Entry, Kind
from gp_helpers.probes.client import Client
from gp_helpers.probes.socket import Socket
from gp_helpers.targets.running import Ability

_FIRST_PAUSE_S = 0.004
_LONGEST_PAUSE_S = 0.03
"""Readings while something is under way cost the platform time that it needs for just that."""
_PONG_WITHIN_S = 10.0
"""As long as a trial may take: a pong that is later is that of a machine that is too slow."""
_MOST_PATIENCE = 6
"""So many times the patience is the longest, for a platform whose work never ends."""


async def silence(client: Client, *, timeout_s: float = 5.0) -> Entry:
    """Record that nothing more will come, proven or waited for; or that it does not get silent.

    ``timeout_s`` is the patience with a platform whose readings do not change.
    Raises `LimitReachedError` if the target's limits do not leave the time to wait for it.
    """
    if not client.target.can(Ability.DIAGNOSTICS):
        return await _waited_for(client)
    await _ping_all(client)
    try:
        readings = await _two_equal_readings(client, timeout_s)
    except TimeoutError:
        return _not_silent(client, "silence", timeout_s)
    pongs = await _ping_all(client)
    if not all(pongs):
        return _not_silent(client, "pong of every open socket", _PONG_WITHIN_S)
    basis = [
        client.recorder.add(Kind.READING, "lab", name, **reading).seq
        for name, reading in readings.items()
    ]
    return client.recorder.add(
        Kind.SILENCE, "lab", proven=True, rests_on=basis, pongs=sum(pongs), of=len(pongs)
    )


def _not_silent(client: Client, awaited: str, seconds: float) -> Entry:
    return client.recorder.add(
        Kind.TIMEOUT, "lab", awaited=awaited, seconds=seconds, definite=False
    )


async def _waited_for(client: Client) -> Entry:
    seconds = client.target.description.silence_after_s
    allowed = client.guest.bounded(seconds)
    await asyncio.sleep(allowed)
    if allowed >= seconds:
        return client.recorder.add(Kind.SILENCE, "lab", proven=False, seconds=seconds)
    client.recorder.add(Kind.TIMEOUT, "lab", awaited="silence", seconds=allowed, definite=False)
    raise client.guest.out_of_time(f"silence_after_s is {seconds:g}, {allowed:.3g} s were left")


async def _two_equal_readings(client: Client, patience_s: float) -> Mapping[str, Mapping[str, Any]]:
    before: dict[str, Any] = {}
    pause_s = _FIRST_PAUSE_S
    now_s = asyncio.get_running_loop().time
    longest = now_s() + _MOST_PATIENCE * patience_s
    async with asyncio.timeout(patience_s) as patience:
        while True:
            instances = await client.target.controls.instances()
            readings = {name: await client.target.controls.state(name) for name in instances}
            now = {
                name: tuple(reading.get(what) for what in ("messages", "in_flight", "queue"))
                for name, reading in readings.items()
            }
            in_flight = any(any(under_way) for _, *under_way in now.values())
            # With no instance there is nobody who could say that nothing is under way.
            if readings and not in_flight and now == before:
                return readings
            if now != before:
                patience.reschedule(min(now_s() + patience_s, longest))
            before = now
            await asyncio.sleep(pause_s)
            pause_s = min(3 * pause_s, _LONGEST_PAUSE_S) if in_flight else _FIRST_PAUSE_S


async def _ping_all(client: Client) -> list[bool]:
    """Whether each open socket that serves answers a ping, or has ended meanwhile.

    Raises `NotDescribedError` where the target does not say how to ping.
    """
    sockets = [socket for socket in client.sockets if socket.ready and not socket.closed]
    return list(await asyncio.gather(*(_ping(client, socket) for socket in sockets)))


async def _ping(client: Client, socket: Socket) -> bool:
    return await client.ping(socket, _PONG_WITHIN_S) or socket.closed is not None
