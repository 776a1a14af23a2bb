"""The TCP proxy on real sockets."""

from __future__ import annotations

import asyncio
import os
import time

import pytest

from gp_helpers.faults import Delay, Direction, TcpFault, TcpProxy
from tests.faults.conftest import EchoServer, client_of

pytestmark = pytest.mark.anyio


async def test_it_is_transparent_by_default(echo: EchoServer) -> None:
    body = os.urandom(2_000_000)
    async with TcpProxy("127.0.0.1", echo.port) as proxy, client_of(proxy.port) as client:
        client.writer.write(body)
        client.writer.write_eof()
        assert await asyncio.wait_for(client.reader.read(-1), 10) == body
    assert await echo.until_ended() == "end"
    assert proxy.delays == []


async def test_each_direction_has_its_own_latency_and_records_what_it_achieved(
    echo: EchoServer,
) -> None:
    fault = TcpFault(delay=Delay(latency_s=0.05))
    async with TcpProxy("127.0.0.1", echo.port, to_client=fault) as proxy:
        async with client_of(proxy.port) as client:
            began = time.perf_counter()
            assert await client.ask(b"hello") == b"hello"
            took = time.perf_counter() - began
        [delay] = proxy.delays
        assert (delay.direction, delay.size, delay.connection) == (Direction.TO_CLIENT, 5, 1)
        assert delay.requested_s == pytest.approx(0.05)
        assert 0.05 <= delay.achieved_s <= took
        assert delay.achieved_s < 0.1


async def test_faults_are_switched_while_a_connection_is_open(echo: EchoServer) -> None:
    async with TcpProxy("127.0.0.1", echo.port) as proxy, client_of(proxy.port) as client:
        await client.ask(b"1")
        proxy.set(to_server=TcpFault(delay=Delay(latency_s=0.1)))
        began = time.perf_counter()
        await client.ask(b"2")
        assert time.perf_counter() - began >= 0.1
        proxy.clear()
        await client.ask(b"3")
        assert len(proxy.delays) == 1


async def test_jitter_is_the_same_for_the_same_seed(echo: EchoServer) -> None:
    async def requested(seed: int) -> list[float]:
        fault = TcpFault(delay=Delay(jitter_s=0.01))
        async with TcpProxy("127.0.0.1", echo.port, to_server=fault, seed=seed) as proxy:
            async with client_of(proxy.port) as client:
                for number in range(3):
                    await client.ask(b"%d" % number)
            return [round(delay.requested_s, 9) for delay in proxy.delays]

    first = await requested(1)
    assert len(first) == 3
    assert await requested(1) == pytest.approx(first, abs=1e-6)
    assert await requested(2) != pytest.approx(first, abs=1e-6)


async def test_bandwidth_stretches_a_large_body(echo: EchoServer) -> None:
    fault = TcpFault(delay=Delay(bytes_per_s=1_000_000))
    async with (
        TcpProxy("127.0.0.1", echo.port, to_server=fault) as proxy,
        client_of(proxy.port) as client,
    ):
        began = time.perf_counter()
        await client.ask(b"x" * 200_000)
        assert time.perf_counter() - began >= 0.2


async def test_half_open_swallows_one_direction_and_says_nothing(echo: EchoServer) -> None:
    async with TcpProxy("127.0.0.1", echo.port) as proxy, client_of(proxy.port) as client:
        await client.ask(b"before")
        proxy.set(to_client=TcpFault(swallow=True))
        client.writer.write(b"during")
        assert await client.hears_nothing_for(0.2)
        assert bytes(echo.received) == b"beforeduring"
        assert echo.endings == []


async def test_reset_all_sends_rst_to_both_sides(echo: EchoServer) -> None:
    async with TcpProxy("127.0.0.1", echo.port) as proxy, client_of(proxy.port) as client:
        await client.ask(b"here")
        assert proxy.reset_all() == 1
        with pytest.raises(ConnectionResetError):
            await client.reader.read(1)
        assert await echo.until_ended() == "reset"
        assert proxy.open_connections == 0


async def test_cut_all_ends_without_rst(echo: EchoServer) -> None:
    async with TcpProxy("127.0.0.1", echo.port) as proxy, client_of(proxy.port) as client:
        await client.ask(b"here")
        assert proxy.cut_all() == 1
        assert await client.reader.read(1) == b""
        assert await echo.until_ended() == "end"


async def test_a_reset_comes_after_so_many_bytes(echo: EchoServer) -> None:
    fault = TcpFault(reset_after_bytes=4)
    async with TcpProxy("127.0.0.1", echo.port, to_server=fault) as proxy:
        async with client_of(proxy.port) as client:
            client.writer.write(b"abcdefgh")
            with pytest.raises(ConnectionResetError):
                await client.reader.readexactly(100)
        assert await echo.until_ended() == "reset"


async def test_a_reset_by_the_client_reaches_the_server_as_one(echo: EchoServer) -> None:
    async with TcpProxy("127.0.0.1", echo.port) as proxy, client_of(proxy.port) as client:
        await client.ask(b"here")
        raw = client.writer.get_extra_info("socket")
        raw.setsockopt(1, 13, b"\x01\0\0\0\0\0\0\0")  # SOL_SOCKET, SO_LINGER
        client.writer.transport.abort()
        assert await echo.until_ended() == "reset"


async def test_a_slow_close_arrives_late(echo: EchoServer) -> None:
    fault = TcpFault(close_delay_s=0.2)
    async with (
        TcpProxy("127.0.0.1", echo.port, to_server=fault) as proxy,
        client_of(proxy.port) as client,
    ):
        await client.ask(b"bye")
        began = time.perf_counter()
        client.writer.write_eof()
        assert await echo.until_ended() == "end"
        assert time.perf_counter() - began >= 0.2


async def test_a_server_that_refuses_shows_as_a_reset(echo: EchoServer) -> None:
    async with TcpProxy("127.0.0.1", echo.port) as probe:
        nobody = probe.port
    async with TcpProxy("127.0.0.1", nobody) as proxy, client_of(proxy.port) as client:
        with pytest.raises(ConnectionResetError):
            await client.reader.read(1)
        assert proxy.open_connections == 0


async def test_what_the_client_sends_before_the_server_is_reached_is_not_lost(
    echo: EchoServer,
) -> None:
    async with TcpProxy("127.0.0.1", echo.port) as proxy:
        _, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"early")
        writer.write_eof()
        assert await echo.until_ended() == "end"
        assert bytes(echo.received) == b"early"
        writer.close()


async def test_a_slow_reader_does_not_fill_the_proxys_memory(echo: EchoServer) -> None:
    fault = TcpFault(delay=Delay(latency_s=60))
    async with (
        TcpProxy("127.0.0.1", echo.port, to_server=fault) as proxy,
        client_of(proxy.port) as client,
    ):
        client.writer.write(b"x" * 50_000_000)
        await asyncio.sleep(0.3)
        [connection] = set(proxy._connections.values())
        assert connection.client.lane.bytes_held < 3_000_000


async def test_leaving_ends_connections_and_the_listening_port(echo: EchoServer) -> None:
    async with TcpProxy("127.0.0.1", echo.port) as proxy:
        client = client_of(proxy.port)
        connected = await client.__aenter__()
        await connected.ask(b"here")
    assert await connected.reader.read(1) == b""
    assert await echo.until_ended() == "end"
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", proxy.port)
    await client.__aexit__(None, None, None)
