"""Messages between the zygote and those who start services through it.

One JSON object a line, over a Unix stream socket; file descriptors travel beside the line that
names how many there are.
"""

from __future__ import annotations

import json
import os
import socket
from collections import deque
from typing import Any

_READ_SIZE = 1 << 16
_MOST_DESCRIPTORS = 32


def encode(message: dict[str, Any]) -> bytes:
    """Return `message` as one line."""
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


class MessageReader:
    """Puts lines and the descriptors that came with them together again."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._buffer = b""
        self._descriptors: deque[int] = deque()

    def read(self) -> list[dict[str, Any]] | None:
        """Read once; return the whole messages so far, or ``None`` at the end of the stream."""
        try:
            data, descriptors, _, _ = socket.recv_fds(
                self._connection, _READ_SIZE, _MOST_DESCRIPTORS
            )
        except BlockingIOError:
            return []
        except OSError:
            return None
        self._descriptors.extend(descriptors)
        if not data:
            return None
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        return [json.loads(line) for line in lines]

    def take_descriptors(self, count: int) -> list[int]:
        """Return the next `count` descriptors, in the order in which they were sent."""
        return [self._descriptors.popleft() for _ in range(count)]

    def close_descriptors(self) -> None:
        """Close those that came but were not taken: a forked child must not keep them."""
        while self._descriptors:
            os.close(self._descriptors.popleft())
