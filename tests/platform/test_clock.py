"""A service's clock: what it ends when it is stepped, and what it leaves alone."""

from __future__ import annotations

import anyio
import pytest

from gp_helpers.platform.clock import Clock

pytestmark = pytest.mark.anyio

LONG_S = 1000.0


async def test_a_step_across_the_end_of_a_limit_ends_it_and_a_shorter_one_does_not() -> None:
    clock = Clock()
    ended = []

    async def work(seconds: float) -> None:
        with pytest.raises(TimeoutError), clock.fail_after(seconds):
            await anyio.sleep_forever()
        ended.append(seconds)

    async with anyio.create_task_group() as group:
        group.start_soon(work, LONG_S)
        group.start_soon(work, 3 * LONG_S)
        await anyio.wait_all_tasks_blocked()
        for offset_s, expected in ((LONG_S / 2, []), (2 * LONG_S, [LONG_S])):
            clock.set_offset(offset_s)
            await anyio.wait_all_tasks_blocked()
            assert ended == expected
        clock.set_offset(4 * LONG_S)
    assert ended == [LONG_S, 3 * LONG_S]


async def test_what_ends_in_time_is_not_touched_by_a_later_step() -> None:
    clock = Clock()
    with clock.fail_after(LONG_S):
        await anyio.lowlevel.checkpoint()
    clock.set_offset(2 * LONG_S)
    await anyio.lowlevel.checkpoint()


async def test_a_sleep_ends_by_itself_and_by_a_step() -> None:
    clock = Clock()
    await clock.sleep_until(clock.monotonic() + 0.01)
    async with anyio.create_task_group() as group:
        group.start_soon(clock.sleep_until, clock.monotonic() + LONG_S)
        await anyio.wait_all_tasks_blocked()
        clock.set_offset(LONG_S)
