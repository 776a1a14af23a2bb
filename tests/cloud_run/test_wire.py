"""Wires on real sockets: spliced, a cut stays what it was; and no delay is put on small packets."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gp_helpers.cloud_run.sockets import bound_socket, reset_on_close
from gp_helpers.cloud_run.wire import Wire, connect

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def pair() -> AsyncIterator[tuple[Wire, Wire]]:
    """Two ends of one TCP connection: the one that connected and the one that accepted."""
    accepted: asyncio.Queue[Wire] = asyncio.Queue()
    listener = bound_socket()
    host, port = listener.getsockname()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Wire(accepted.put_nowait), sock=listener)
    async with server:
        connected = await connect(host, port)
        yield connected, await accepted.get()
        connected.abort()


@asynccontextmanager
async def spliced() -> AsyncIterator[tuple[Wire, Wire]]:
    """A client's and a server's end, with two spliced wires in between."""
    async with pair() as (client, near), pair() as (far, server):
        near.splice(far)
        far.splice(near)
        yield client, server


async def test_bytes_pass_unchanged_both_ways() -> None:
    body = os.urandom(3_000_000)
    async with spliced() as (client, server):
        for source, target in ((client, server), (server, client)):
            sending = asyncio.ensure_future(source.send(body))
            received = b""
            while len(received) < len(body):
                received += await target.receive()
            await sending
            assert received == body


async def test_the_end_of_one_direction_leaves_the_other_open() -> None:
    async with spliced() as (client, server):
        await client.send(b"last")
        client.transport.write_eof()
        assert await server.receive() == b"last"
        assert await server.receive() == b""
        await server.send(b"answer")
        assert await client.receive() == b"answer"
        server.transport.write_eof()
        assert await client.receive() == b""


async def test_a_reset_passes_as_a_reset() -> None:
    async with spliced() as (client, server):
        client.abort(reset=True)
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(server.receive(), 5)


async def test_what_arrived_before_the_splice_goes_first() -> None:
    async with pair() as (client, near), pair() as (far, server):
        await client.send(b"waiting")
        async with asyncio.timeout(5):
            while not near._received:
                await client.send(b".")
                await asyncio.sleep(0)
        near.splice(far, first=b"first ")
        assert (await server.receive()).startswith(b"first waiting")


async def test_a_splice_with_a_lost_connection_ends_the_other() -> None:
    async with pair() as (client, near), pair() as (far, server):
        client.abort(reset=True)
        await near.closed.wait()
        near.splice(far)
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(server.receive(), 5)


async def test_both_ends_send_small_packets_at_once() -> None:
    async with pair() as ends:
        for end in ends:
            raw = end.transport.get_extra_info("socket")
            assert raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1


def test_a_bound_socket_refuses_connections_until_its_service_listens() -> None:
    with bound_socket() as listener, socket.socket() as client:
        assert listener.getsockname()[0] == "127.0.0.1"
        assert client.connect_ex(listener.getsockname()) != 0
        listener.listen()
        with socket.socket() as later:
            assert later.connect_ex(listener.getsockname()) == 0
            reset_on_close(later)
