"""Makes an interrupt of a notebook's cell arrive at once.

ipykernel cancels an awaiting cell from a signal handler, but its idle loop notices only when
something else wakes it: an interrupted wait for six seconds ended after six. A descriptor that
the interpreter writes to at every signal, and that the loop reads, wakes it.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


@asynccontextmanager
async def waking_on_signals() -> AsyncIterator[None]:
    """Wake the running loop at every signal; changes nothing outside the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    reading, writing = socket.socketpair()
    with reading, writing:
        reading.setblocking(False)
        writing.setblocking(False)
        loop.add_reader(reading, _drain, reading)
        before = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)
            loop.remove_reader(reading)


def _drain(reading: socket.socket) -> None:
    try:
        reading.recv(4096)
    except BlockingIOError:
        return
