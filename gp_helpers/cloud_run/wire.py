"""One TCP connection of a hop: read and write by turns, or splice two of them byte for byte.

Spliced, what arrives on one side leaves on the other unread and unchanged, end of stream as end of
stream and reset as reset, so that a cut is a real cut.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import cast

from gp_helpers.cloud_run.sockets import reset_on_close

_READ_AHEAD = 1 << 18


class Wire(asyncio.Protocol):
    """A connection; ``made`` is called with it once it is open, ``now`` tells its time."""

    def __init__(
        self,
        made: Callable[[Wire], None] | None = None,
        *,
        now: Callable[[], float] | None = None,
    ) -> None:
        self._made = made
        self._now = now or asyncio.get_running_loop().time
        self._received = bytearray()
        self._arrived = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._peer: Wire | None = None
        self._error: Exception | None = None
        self._is_reading_paused = False
        self.transport: asyncio.Transport
        self.at_end = False
        """The other side has sent its last byte, or the connection is lost."""
        self.ended = asyncio.Event()
        """Set together with `at_end`."""
        self.closed = asyncio.Event()
        """Set when the connection is closed in both directions."""
        self.last_activity = self._now()

    @property
    def client_address(self) -> str:
        """The other side's IP address."""
        address = self.transport.get_extra_info("peername")
        return str(address[0]) if address else ""

    async def receive(self) -> bytes:
        """Return what has arrived, at least one byte; ``b""`` at the end of the stream.

        Raises:
            ConnectionError: the connection was reset.
        """
        while not self._received:
            if self._error is not None:
                raise ConnectionResetError(str(self._error)) from self._error
            if self.at_end:
                return b""
            self._arrived.clear()
            await self._arrived.wait()
        return self._take()

    def _take(self) -> bytes:
        data = bytes(self._received)
        self._received.clear()
        if self._is_reading_paused:
            self._is_reading_paused = False
            self.transport.resume_reading()
        return data

    async def send(self, data: bytes) -> None:
        """Send `data`; waits while the other side is slow to read.

        Raises:
            ConnectionError: the connection is lost.
        """
        if self.closed.is_set():
            raise ConnectionResetError("the connection is closed")
        if data:
            self.transport.write(data)
        await self._writable.wait()

    def splice(self, peer: Wire, *, first: bytes = b"") -> None:
        """From now on send what arrives here to `peer`, after `first` and what arrived already."""
        self._peer = peer
        pending = first + self._take()
        if pending and not peer.closed.is_set():
            peer.transport.write(pending)
        if self.closed.is_set():
            self._pass_on_loss()
        elif self.at_end:
            self._pass_on_end()

    def close(self) -> None:
        """Close after sending what is unsent."""
        self.transport.close()

    def abort(self, *, reset: bool = False) -> None:
        """Close at once, dropping what is unsent; with `reset` as RST."""
        if self.closed.is_set():
            return
        if reset:
            reset_on_close(cast(socket.socket, self.transport.get_extra_info("socket")))
        self.transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        if self._made is not None:
            self._made(self)

    def data_received(self, data: bytes) -> None:
        self.last_activity = self._now()
        if self._peer is not None:
            if not self._peer.closed.is_set():
                self._peer.transport.write(data)
            return
        self._received += data
        self._arrived.set()
        if len(self._received) > _READ_AHEAD:
            self._is_reading_paused = True
            self.transport.pause_reading()

    def eof_received(self) -> bool:
        self._note_end()
        if self._peer is not None:
            self._pass_on_end()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self._error = exc
        self.closed.set()
        self._note_end()
        self._writable.set()
        if self._peer is not None:
            self._pass_on_loss()

    def pause_writing(self) -> None:
        self._writable.clear()
        if self._peer is not None and not self._peer.at_end:
            self._peer.transport.pause_reading()

    def resume_writing(self) -> None:
        self._writable.set()
        if self._peer is not None and not self._peer.at_end:
            self._peer.transport.resume_reading()

    def _note_end(self) -> None:
        self.at_end = True
        self.ended.set()
        self._arrived.set()

    def _pass_on_end(self) -> None:
        peer = self._peer
        assert peer is not None
        if peer.at_end:
            peer.close()
            self.close()
        elif not peer.transport.is_closing():
            peer.transport.write_eof()

    def _pass_on_loss(self) -> None:
        peer = self._peer
        assert peer is not None
        if isinstance(self._error, ConnectionError):
            peer.abort(reset=True)
        else:
            peer.close()


async def connect(host: str, port: int, *, now: Callable[[], float] | None = None) -> Wire:
    """Return a new connection, with a time of its own if `now` tells one.

    Raises:
        OSError: nobody listens there.
    """
    loop = asyncio.get_running_loop()
    _, wire = await loop.create_connection(lambda: Wire(now=now), host, port)
    return wire
