"""Services start, tell how they end, log each in a file of its own, and stop."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets

from gp_helpers.cloud_run import (
    EntryKind,
    ExitStatus,
    Host,
    HttpProbe,
    Isolation,
    NotSupportedError,
    PortTakenError,
    RunningService,
    ServiceStartError,
    TcpProbe,
    open_host,
)
from tests.cloud_run.conftest import APPS, is_alive, service

pytestmark = pytest.mark.anyio


async def get(url: str) -> httpx.Response:
    async with httpx.AsyncClient(verify=False) as client:
        return await client.get(url)


async def test_a_service_gets_its_configuration_and_answers(host: Host) -> None:
    started = await host.start(service(config={"instance_id": "one", "depth": {"a": [1]}}))
    seen = (await get(started.url)).json()
    assert seen["config"] == {"instance_id": "one", "depth": {"a": [1]}}
    assert (started.host, started.url) == ("127.0.0.1", f"http://127.0.0.1:{started.port}")


async def test_processes_differ_and_threads_share_one(host: Host) -> None:
    started = [await host.start(service(name)) for name in ("one", "two")]
    pids = {(await get(one.url)).json()["pid"] for one in started}
    if host.isolation is Isolation.PROCESS:
        assert pids == {one.pid for one in started}
        assert len(pids) == 2
        assert os.getpid() not in pids
    else:
        assert pids == {os.getpid()}
        assert [one.pid for one in started] == [None, None]


async def test_services_start_side_by_side(host: Host) -> None:
    started = await asyncio.gather(*(host.start(service(f"s{n}")) for n in range(4)))
    assert len({one.port for one in started}) == 4
    assert {(await get(one.url)).status_code for one in started} == {200}


async def test_stopping_runs_the_lifespans_end_and_is_clean(host: Host) -> None:
    started = await host.start(service())
    assert await started.stop(grace_s=5) == ExitStatus(code=0)
    assert started.exit_status == ExitStatus(code=0)
    assert "lifespan over" in started.log_path.read_text()
    with pytest.raises(httpx.ConnectError):
        await get(started.url)


async def test_what_does_not_stop_in_time_is_killed(host: Host) -> None:
    started = await host.start(service(config={"stop_takes_s": 60}))
    assert await started.stop(grace_s=0.1) == ExitStatus(signal=signal.SIGKILL)


async def test_killing_cuts_open_connections_at_once(host: Host) -> None:
    started = await host.start(service())
    async with websockets.connect(started.url.replace("http", "ws") + "/ws") as connection:
        await connection.send("here")
        assert await connection.recv() == "here"
        assert await started.kill() == ExitStatus(signal=signal.SIGKILL)
        with pytest.raises(websockets.ConnectionClosedError) as closed:
            await connection.recv()
        assert closed.value.rcvd is None


async def test_an_ended_service_leaves_no_task_in_the_shared_thread(tmp_path: Path) -> None:
    async with open_host(Isolation.THREAD, logs=tmp_path) as host:
        started = await host.start(service())

        async def task_names() -> set[str]:
            return {task.get_name() for task in asyncio.all_tasks()}

        thread = host.thread  # type: ignore[attr-defined]
        assert "left-behind" in await thread.call(task_names())
        await started.stop()
        assert "left-behind" not in await thread.call(task_names())


async def test_a_service_that_dies_by_itself_tells_its_exit_code(tmp_path: Path) -> None:
    async with open_host(Isolation.PROCESS, logs=tmp_path, preload=(APPS,)) as host:
        started = await host.start(service())
        with pytest.raises(httpx.RemoteProtocolError):
            await get(started.url + "/die")
        assert await started.wait() == ExitStatus(code=7)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (f"{APPS}:fails_to_build", "the configuration makes no sense"),
        (f"{APPS}:fails_in_lifespan", "the store cannot be reached"),
        (f"{APPS}:no_such_name", "has no attribute 'no_such_name'"),
        ("no_such_package.module:app", "No module named 'no_such_package'"),
    ],
)
async def test_a_failed_start_names_the_service_and_its_last_log_lines(
    host: Host, entry: str, reason: str
) -> None:
    with pytest.raises(ServiceStartError) as failed:
        await host.start(service("broken", entry=entry))
    assert "'broken'" in str(failed.value)
    assert reason in failed.value.reason
    assert any(reason in line for line in failed.value.log_tail)


async def test_an_exit_at_start_names_code_and_output(tmp_path: Path) -> None:
    async with open_host(Isolation.PROCESS, logs=tmp_path, preload=(APPS,)) as host:
        with pytest.raises(ServiceStartError, match="exit code 3") as failed:
            await host.start(service("quits", entry=f"{APPS}:exits"))
    assert "about to exit" in failed.value.log_tail


async def test_a_taken_port_is_a_clear_error(host: Host) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortTakenError, match=f"port {port} on 127.0.0.1 is taken"):
            await host.start(service(port=port))


async def test_a_fixed_port_is_used_and_can_be_used_again(host: Host) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for _ in range(2):
        started = await host.start(service(port=port))
        assert (await get(f"http://127.0.0.1:{port}/")).status_code == 200
        await started.stop()


async def test_two_running_services_cannot_share_a_name(host: Host) -> None:
    await host.start(service("one"))
    with pytest.raises(ServiceStartError, match="runs already"):
        await host.start(service("one"))


async def test_a_tcp_probe_waits_for_the_listening_port(host: Host) -> None:
    spec = service(config={"start_takes_s": 0.2}, startup_probe=TcpProbe())
    started = await host.start(spec, wait_ready=False)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(started.host, started.port)
    await started.wait_started()
    assert (await get(started.url)).status_code == 200


async def test_an_http_probe_waits_for_success(host: Host) -> None:
    spec = service(config={"ready_on_request": True}, startup_probe=HttpProbe("/ready"))
    started = await host.start(spec, wait_ready=False)
    waiting = asyncio.ensure_future(started.wait_started())
    while True:
        try:
            assert (await get(started.url + "/ready")).status_code == 503
            break
        except httpx.ConnectError:
            continue
    assert not waiting.done()
    await get(started.url + "/become-ready")
    await asyncio.wait_for(waiting, 5)


async def test_a_start_that_takes_too_long_fails_and_leaves_nothing(host: Host) -> None:
    spec = service(
        config={"ready_on_request": True},
        startup_probe=HttpProbe("/ready"),
        start_timeout_s=0.3,
    )
    with pytest.raises(ServiceStartError, match=r"not ready within 0\.3 s"):
        await host.start(spec)
    assert (await host.start(service())).exit_status is None


async def test_a_bare_application_without_lifespan_is_hosted(host: Host) -> None:
    spec = service("bare", entry=f"{APPS}:bare", kind=EntryKind.ASGI_APP)
    assert (await get((await host.start(spec)).url)).text == "bare"


async def test_a_handshake_can_be_denied_with_401_without_an_error_in_the_log(host: Host) -> None:
    started = await host.start(service())
    with pytest.raises(websockets.InvalidStatus) as refused:
        await websockets.connect(started.url.replace("http", "ws") + "/ws?deny=1")
    assert refused.value.response.status_code == 401
    assert json.loads(refused.value.response.body) == {"error": "denied"}
    await started.stop()
    assert "ERROR" not in started.log_path.read_text()


async def test_a_message_longer_than_allowed_closes_with_1009(host: Host) -> None:
    started = await host.start(service(ws_max_size=100))
    async with websockets.connect(started.url.replace("http", "ws") + "/ws") as connection:
        await connection.send("x" * 101)
        with pytest.raises(websockets.ConnectionClosedError) as closed:
            await connection.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009


def log_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines() if line.startswith("{")]


async def test_each_service_logs_to_its_own_file(host: Host) -> None:
    started = [await host.start(service(name)) for name in ("one", "two")]
    await get(started[1].url + "/log?id=abc")
    await host.stop_all()
    one, two = (log_lines(each.log_path) for each in started)
    assert [line["message"] for line in one] == ["lifespan over"]
    assert [line["message"] for line in two] == ["seen", "lifespan over"]
    assert {
        "service": "two",
        "level": "WARNING",
        "logger": APPS,
        "correlation_id": "abc",
    }.items() <= (two[0].items())


async def test_a_process_has_its_environment_and_keeps_its_output(tmp_path: Path) -> None:
    async with open_host(Isolation.PROCESS, logs=tmp_path, preload=(APPS,)) as host:
        started = await host.start(service(environment={"GREETING": "hello"}))
        assert (await get(started.url)).json()["environment"] == "hello"
        await get(started.url + "/log?id=1")
    assert "GREETING" not in os.environ
    assert "printed" in started.log_path.read_text().splitlines()


async def test_a_process_inherits_the_environment_of_when_it_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_host(Isolation.PROCESS, logs=tmp_path, preload=(APPS,)) as host:
        for greeting in ("first", "second"):
            monkeypatch.setenv("GREETING", greeting)
            started = await host.start(service(greeting))
            assert (await get(started.url)).json()["environment"] == greeting


async def test_a_frozen_process_answers_again_when_resumed(tmp_path: Path) -> None:
    async with open_host(Isolation.PROCESS, logs=tmp_path, preload=(APPS,)) as host:
        started = await host.start(service())
        await get(started.url)
        await started.freeze()
        asking = asyncio.ensure_future(get(started.url))
        assert not (await asyncio.wait({asking}, timeout=0.2))[0]
        await started.resume()
        assert (await asking).status_code == 200


async def test_a_process_that_left_its_group_is_frozen_and_killed_and_no_other_one(
    tmp_path: Path,
) -> None:
    async with open_host(Isolation.PROCESS, logs=tmp_path, preload=(APPS,)) as host:
        leaves, stays = await host.start(service()), await host.start(service("stays"))
        child = (await get(f"{leaves.url}/leave-the-group")).json()["child"]
        async with asyncio.timeout(20):
            await leaves.freeze()
            assert await leaves.kill() == ExitStatus(signal=signal.SIGKILL)
            while is_alive(child):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert (await get(stays.url)).status_code == 200


async def test_threads_refuse_what_only_processes_can(tmp_path: Path) -> None:
    async with open_host(Isolation.THREAD, logs=tmp_path) as host:
        started = await host.start(service())
        with pytest.raises(NotSupportedError, match="not possible in thread isolation"):
            await started.freeze()
        with pytest.raises(NotSupportedError):
            await host.start(service("other", environment={"A": "1"}))


async def test_leaving_the_host_by_an_exception_ends_its_services(
    isolation: Isolation, tmp_path: Path
) -> None:
    async def fail(host: Host) -> None:
        started.append(await host.start(service()))
        raise ZeroDivisionError

    started: list[RunningService] = []
    with pytest.raises(ZeroDivisionError):
        async with open_host(isolation, logs=tmp_path, preload=(APPS,)) as host:
            await fail(host)
    [ended] = started
    assert ended.exit_status is not None
    assert ended.pid is None or not is_alive(ended.pid)


async def test_a_cancelled_start_leaves_nothing(isolation: Isolation, tmp_path: Path) -> None:
    async with open_host(isolation, logs=tmp_path, preload=(APPS,)) as host:
        spec = service(config={"ready_on_request": True}, startup_probe=HttpProbe("/ready"))
        starting = asyncio.ensure_future(host.start(spec))
        await asyncio.wait({starting}, timeout=0.2)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
        assert (await host.start(service())).exit_status is None


async def test_many_hosts_share_the_parent(isolation: Isolation, tmp_path: Path) -> None:
    for number in range(5):
        async with open_host(isolation, logs=tmp_path / str(number), preload=(APPS,)) as host:
            assert (await get((await host.start(service())).url)).status_code == 200
