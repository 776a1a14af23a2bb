"""A process whose service ended in good order is another one of the same code, and only then."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from gp_helpers.cloud_run import (
    ExitStatus,
    Host,
    Isolation,
    RunningService,
    ServiceSpec,
    close_zygote,
    open_host,
)
from gp_helpers.cloud_run.zygote_owner import own_zygote
from gp_helpers.cloud_run.zygote_workers import MOST_IDLE
from tests.cloud_run.conftest import APPS, children_of, is_alive

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(
        sys.platform != "linux", reason="not run here: only Linux's processes serve again"
    ),
]


@pytest.fixture
async def processes(tmp_path: Path) -> AsyncIterator[Host]:
    close_zygote()
    async with open_host(Isolation.PROCESS, logs=tmp_path, preload=(APPS,)) as host:
        yield host
    close_zygote()


def spec(name: str = "one", *, entry: str = "leaves", **options: Any) -> ServiceSpec:
    return ServiceSpec(name, f"{APPS}:{entry}", **{"reuses_process": True, **options})


async def process_of(service: RunningService) -> int:
    return int((await said_by(service))["pid"])


async def said_by(service: RunningService) -> dict[str, Any]:
    async with httpx.AsyncClient(verify=False, trust_env=False) as client:
        said: dict[str, Any] = (await client.get(service.url)).raise_for_status().json()
    return said


async def ended_in_order(host: Host, wanted: ServiceSpec) -> int:
    """The process that was this service until it was stopped."""
    service = await host.start(wanted)
    process = await process_of(service)
    assert process == service.pid
    assert await service.stop() == ExitStatus(code=0)
    return process


@contextmanager
def ending_of(process: int) -> Iterator[int]:
    """A descriptor that is readable when the process has ended."""
    descriptor = os.pidfd_open(process)
    yield descriptor
    os.close(descriptor)


async def test_a_process_is_one_service_after_another(processes: Host) -> None:
    first = await ended_in_order(processes, spec("one", environment={"GREETING": "hello"}))
    second = await processes.start(spec("two"))
    assert await said_by(second) == {"pid": first, "greeting": None}
    assert second.pid == first
    assert second.log_path.name == "two.log"


async def test_a_service_in_a_session_of_its_own_gets_it_too(
    processes: Host, tmp_path: Path
) -> None:
    first = await ended_in_order(processes, spec())
    async with open_host(Isolation.PROCESS, logs=tmp_path, preload=(APPS,)) as other:
        assert await process_of(await other.start(spec())) == first


async def test_who_does_not_say_so_gets_a_process_of_its_own(processes: Host) -> None:
    first = await ended_in_order(processes, spec(reuses_process=False))
    assert await process_of(await processes.start(spec("two"))) != first
    assert not is_alive(first)


async def test_other_code_gets_another_process(processes: Host) -> None:
    first = await ended_in_order(processes, spec())
    assert await process_of(await processes.start(spec("two", entry="build"))) != first


@pytest.mark.parametrize("what", ["a task", "a thread", "a descriptor", "a process"])
async def test_what_is_left_of_a_service_ends_with_its_process(processes: Host, what: str) -> None:
    first = await ended_in_order(processes, spec(config={"leaves": what}))
    assert await process_of(await processes.start(spec("two"))) != first
    assert not is_alive(first)


async def test_a_service_that_was_frozen_is_its_processs_last(processes: Host) -> None:
    service = await processes.start(spec())
    await service.freeze()
    await service.resume()
    assert await service.stop() == ExitStatus(code=0)
    assert await process_of(await processes.start(spec("two"))) != service.pid


async def test_a_signal_that_comes_too_late_does_not_end_the_next_service(processes: Host) -> None:
    first = await ended_in_order(processes, spec())
    os.kill(first, signal.SIGTERM)
    second = await processes.start(spec("two"))
    assert await process_of(second) == first
    assert await second.stop() == ExitStatus(code=0)


async def test_an_idle_process_that_was_killed_is_not_waited_for(processes: Host) -> None:
    first = await ended_in_order(processes, spec())
    with ending_of(first) as ended:
        os.kill(first, signal.SIGKILL)
        await anyio.wait_readable(ended)
    assert await process_of(await processes.start(spec("two"))) != first


async def test_few_wait_and_none_outlives_the_zygote(processes: Host) -> None:
    services = [await processes.start(spec(f"s{n}")) for n in range(MOST_IDLE + 1)]
    for service in services:
        await service.stop()
    one_too_many = services[-1].pid or 0
    with suppress(ProcessLookupError), ending_of(one_too_many) as ended, anyio.fail_after(5):
        await anyio.wait_readable(ended)
    waiting = children_of(own_zygote().pid)
    assert waiting == {service.pid for service in services[:-1]}
    close_zygote()
    assert not any(is_alive(pid) for pid in waiting)
