"""Clients that speak the gateway's protocol, and remember what came."""

from __future__ import annotations

import json
import secrets
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from tests.platform.gateway.hop import PATIENCE_S

if TYPE_CHECKING:
    from tests.platform.gateway.lab import Lab

FIVE = ["agent_started", "agent_thinking", "tool_executing", "tool_completed", "agent_completed"]


class Socket:
    """One WebSocket of a user, and everything that came over it."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.seen: list[dict[str, Any]] = []

    def receive(self, timeout: float = PATIENCE_S) -> dict[str, Any]:
        message = json.loads(self.connection.recv(timeout=timeout))
        self.seen.append(message)
        return message

    def receive_all(self) -> list[dict[str, Any]]:
        """What came so far, on a platform that is silent."""
        with suppress(TimeoutError):
            while True:
                self.receive(timeout=0.1)
        return self.seen

    def receive_until(self, message_type: str, **fields: Any) -> dict[str, Any]:
        while True:
            message = self.receive()
            if message["type"] == message_type and fields.items() <= message.items():
                return message

    def send(self, **message: Any) -> None:
        self.connection.send(json.dumps(message))

    def ask(self, request_id: str, thread_id: str, text: str = "What costs most?") -> None:
        self.send(type="agent_request", id=request_id, thread_id=thread_id, message=text)

    def ping(self) -> None:
        """Exchange a ping and its pong: whatever was sent before has arrived."""
        name = secrets.token_hex(4)
        self.send(type="ping", id=name)
        self.receive_until("pong", id=name)

    def events(self, request_id: str | None = None) -> list[str]:
        """The types of the events seen so far, of one request or of all."""
        return [
            message["type"]
            for message in self.seen
            if "event_id" in message and request_id in (None, message["request_id"])
        ]

    def event_ids(self) -> list[int]:
        return [message["event_id"] for message in self.seen if "event_id" in message]

    def cut(self) -> None:
        """Vanish without a close frame."""
        with suppress(OSError):
            self.connection.socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.connection.close()

    def close_code(self) -> int:
        """The code that the server closes with; what comes before is kept in `seen`."""
        with pytest.raises(ConnectionClosed) as closed:
            self._receive_for_ever()
        received = closed.value.rcvd
        assert received is not None, "no close frame came"
        return received.code

    def _receive_for_ever(self) -> None:
        while True:
            self.receive()


class Person:
    """A user who is logged in, with a thread to ask in."""

    def __init__(self, lab: Lab, user_id: str, name: str, token: str, thread_id: str) -> None:
        self.lab = lab
        self.id = user_id
        self.name = name
        self.token = token
        self.thread_id = thread_id

    def open(self, mode: str = "main", port: int | None = None) -> Socket:
        """Open the WebSocket, and read nothing yet; `port` is that of a proxy in front."""
        headers = {"Authorization": f"Bearer {self.token}"}
        return self.lab.open(mode, port, additional_headers=headers)

    def connect(self, mode: str = "main", port: int | None = None) -> Socket:
        """Open the WebSocket and read its `connection_established`."""
        connection = self.open(mode, port)
        assert connection.receive()["type"] == "connection_established"
        return connection
