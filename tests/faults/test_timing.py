"""Precise timers are never early and hardly late."""

from __future__ import annotations

import asyncio

import pytest

from gp_helpers.faults.timing import PreciseTimer, sleep_until

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("delay", [0.0, 0.001, 0.005, 0.02])
async def test_it_wakes_after_the_time_and_close_to_it(delay: float) -> None:
    loop = asyncio.get_running_loop()
    late = []
    for _ in range(20):
        when = loop.time() + delay
        await sleep_until(when)
        late.append(loop.time() - when)
    assert min(late) >= 0
    # What else runs on the machine makes some late; how late at p99 is for the benchmark to say.
    assert sorted(late)[2] < 0.001


async def test_a_cancelled_timer_does_not_call_back() -> None:
    loop = asyncio.get_running_loop()
    called: list[int] = []
    while_spinning = PreciseTimer(loop, loop.time() + 0.001, lambda: called.append(1))
    await asyncio.sleep(0)
    while_spinning.cancel()
    early = PreciseTimer(loop, loop.time() + 0.01, lambda: called.append(2))
    early.cancel()
    await sleep_until(loop.time() + 0.02)
    assert called == []
