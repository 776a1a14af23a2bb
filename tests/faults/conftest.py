"""Servers and clients on raw sockets for the tests of `faults`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class EchoServer:
    """Echoes what it receives and remembers how its connections ended."""

    def __init__(self) -> None:
        self.port = 0
        self.received = bytearray()
        self.endings: list[str] = []
        self.changed = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                self.received += data
                writer.write(data)
                await writer.drain()
            self.endings.append("end")
        except ConnectionError:
            self.endings.append("reset")
        finally:
            writer.close()
            self.changed.set()

    async def until_ended(self) -> str:
        """How the next connection to end ended."""
        async with asyncio.timeout(5):
            await self.changed.wait()
        return self.endings[-1]


@asynccontextmanager
async def serving() -> AsyncIterator[EchoServer]:
    echo = EchoServer()
    server = await asyncio.start_server(echo.serve, "127.0.0.1", 0)
    echo.port = server.sockets[0].getsockname()[1]
    async with server:
        yield echo


async def until(condition: Callable[[], object]) -> None:
    """Return when `condition` holds; it is asked at every turn of the loop."""
    async with asyncio.timeout(5):
        while True:
            if condition():
                return
            await asyncio.sleep(0)


@pytest.fixture
async def echo() -> AsyncIterator[EchoServer]:
    async with serving() as server:
        yield server


class Client:
    """A raw TCP client."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def ask(self, data: bytes) -> bytes:
        self.writer.write(data)
        return await asyncio.wait_for(self.reader.readexactly(len(data)), 5)

    async def hears_nothing_for(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self.reader.read(1), seconds)
        except TimeoutError:
            return True
        return False


@asynccontextmanager
async def client_of(port: int) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Client(reader, writer)
    finally:
        writer.transport.abort()
