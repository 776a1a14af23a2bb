"""One zygote for several processes: sessions at a Unix socket end like any other."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gp_helpers.cloud_run import Isolation, ServiceSpec, close_zygote, open_host
from gp_helpers.cloud_run.errors import HostClosedError, PreloadError
from gp_helpers.cloud_run.zygote_owner import (
    ZYGOTE_VARIABLE,
    SharedZygote,
    ZygoteOwner,
    warm_zygote,
)
from tests.cloud_run.conftest import is_alive

APP = "tests.cloud_run.apps:build"


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where a zygote of somebody else is shared with this process, which has none of its own."""
    close_zygote()
    owner = ZygoteOwner()
    path = tmp_path / "zygote"
    owner.share(path)
    monkeypatch.setenv(ZYGOTE_VARIABLE, str(path))
    yield path
    owner.close()
    close_zygote()


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


@pytest.mark.usefixtures("path")
@pytest.mark.anyio
async def test_services_are_forked_from_the_shared_zygote_and_end_with_their_host(
    tmp_path: Path,
) -> None:
    async with open_host(
        Isolation.PROCESS, logs=tmp_path, preload=["tests.cloud_run.apps"], grace_s=0.5
    ) as host:
        service = await host.start(ServiceSpec(name="plain", entry=APP))
        assert isinstance(warm_zygote(), SharedZygote)
        assert parent_of(parent_of(service.pid or 0)) == os.getpid()
        await service.freeze()
    assert service.exit_status is not None


IS_KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from gp_helpers.cloud_run import Isolation, ServiceSpec, open_host

async def main():
    async with open_host(Isolation.PROCESS, logs=Path(sys.argv[1])) as host:
        service = await host.start(ServiceSpec(name="plain", entry=sys.argv[2]))
        await service.freeze()
        print(service.pid, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


@pytest.mark.usefixtures("path")
def test_services_of_a_killed_process_end_though_the_zygote_goes_on(tmp_path: Path) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", IS_KILLED, str(tmp_path), APP],
        check=False,
        stdout=subprocess.PIPE,
        timeout=20,
    )
    assert killed.returncode == -signal.SIGKILL
    deadline = time.monotonic() + 5
    while is_alive(int(killed.stdout)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not is_alive(int(killed.stdout))
    assert isinstance(warm_zygote(), SharedZygote)


@pytest.mark.usefixtures("path")
def test_imports_that_fail_are_told_to_whoever_asked() -> None:
    with pytest.raises(PreloadError, match="there_is_none"):
        warm_zygote(["there_is_none"])


def test_where_the_sharing_process_has_ended_a_process_warms_its_own(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ZYGOTE_VARIABLE, f"{path}.gone")
    with pytest.raises(HostClosedError):
        SharedZygote(f"{path}.gone").open_session()
    assert isinstance(warm_zygote(), ZygoteOwner)


@pytest.mark.anyio
async def test_who_sees_a_service_end_with_the_sharing_process_knows_that_it_was_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    close_zygote()
    owner = ZygoteOwner()
    owner.share(tmp_path / "zygote")
    monkeypatch.setenv(ZYGOTE_VARIABLE, str(tmp_path / "zygote"))
    async with open_host(Isolation.PROCESS, logs=tmp_path, grace_s=0.5) as host:
        services = [
            await host.start(ServiceSpec(name=f"plain-{number}", entry=APP)) for number in range(6)
        ]
        connections = [socket.create_connection((one.host, one.port)) for one in services]
        assert not host.is_cut_off()
        ending = threading.Thread(target=owner.close)
        ending.start()
        # Without the loop, to which nobody has told anything yet.
        first, *_ = select.select(connections, [], [], 10)
        assert first
        assert host.is_cut_off()
        ending.join()
        for connection in connections:
            connection.close()
