"""A platform whose hops can be held, and a client that speaks the gateway's protocol."""

from __future__ import annotations

import json
import secrets
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from gp_helpers.platform.settings import StoreSettings
from gp_helpers.platform.wiring import build_auth, build_backend, build_model

DIAGNOSTICS = {"X-Golden-Path-Secret": "diagnostics"}
PATIENCE_S = 10.0

T = TypeVar("T")


def wait_until(condition: Callable[[], Any], what: str = "") -> Any:
    """Poll until the condition gives something true, and return it."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.002)
    raise AssertionError(f"still waiting for {what or condition}")


class Hop:
    """An HTTP proxy in front of one service; it can hold requests and let them go."""

    def __init__(self) -> None:
        self.upstream = ""
        self._open = threading.Condition()
        self._holding: Callable[[str], bool] = lambda _path: False
        self._held: list[str] = []
        self._timers: list[threading.Timer] = []
        self._client = httpx.Client(timeout=30, trust_env=False)
        hop = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                hop.pass_on(self)

            def do_POST(self) -> None:
                hop.pass_on(self)

            def log_message(self, *_arguments: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def held(self) -> int:
        """How many requests wait here."""
        return len(self._held)

    def hold(self, path: str = "/") -> None:
        """Keep requests whose path begins like this until `let_go`."""
        self._holding = lambda asked: asked.startswith(path)

    def let_go_after(self, seconds: float) -> None:
        timer = threading.Timer(seconds, self.let_go)
        timer.start()
        self._timers.append(timer)

    def let_go(self) -> None:
        with self._open:
            self._holding = lambda _path: False
            self._open.notify_all()

    def wait_for(self, number: int) -> None:
        wait_until(lambda: self.held >= number, f"{number} held requests")

    def pass_on(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        with self._open:
            self._held.append(request.path)
            self._open.wait_for(lambda: not self._holding(request.path), timeout=30)
            self._held.remove(request.path)
        headers = {
            name: value
            for name, value in request.headers.items()
            if name.lower() not in {"host", "content-length", "connection"}
        }
        reply = self._client.request(
            request.command, self.upstream + request.path, content=body, headers=headers
        )
        with suppress(OSError):
            request.send_response(reply.status_code)
            request.send_header("Content-Type", reply.headers.get("Content-Type", "text/plain"))
            request.send_header("Content-Length", str(len(reply.content)))
            request.end_headers()
            request.wfile.write(reply.content)

    def close(self) -> None:
        for timer in self._timers:
            timer.join()
        self.let_go()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._client.close()


class Socket:
    """One WebSocket of a user, and everything that came over it."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.seen: list[dict[str, Any]] = []

    def receive(self, timeout: float = PATIENCE_S) -> dict[str, Any]:
        message = json.loads(self.connection.recv(timeout=timeout))
        self.seen.append(message)
        return message

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

    def open(self, mode: str = "main") -> Socket:
        """Open the WebSocket, and read nothing yet."""
        return self.lab.open(mode, additional_headers={"Authorization": f"Bearer {self.token}"})

    def connect(self, mode: str = "main") -> Socket:
        """Open the WebSocket and read its `connection_established`."""
        connection = self.open(mode)
        assert connection.receive()["type"] == "connection_established"
        return connection


class Lab:
    """Auth service, model server and one backend, with a hop that can be held before each."""

    def __init__(self, store: StoreSettings, auth_hop: Hop, model_hop: Hop) -> None:
        self.store = store
        self.auth_hop = auth_hop
        self.model_hop = model_hop
        self.backend: Any = None
        self.http = httpx.Client(timeout=15, trust_env=False)
        self._sockets: list[Socket] = []
        self._connections = ExitStack()
        self._threads = ThreadPoolExecutor(20)

    @property
    def backend_url(self) -> str:
        url: str = self.backend.url
        return url

    def in_background(self, work: Callable[[], T]) -> Callable[[], T]:
        """Start work in a thread; calling what is returned waits for its result."""
        return self._threads.submit(work).result

    def raw_socket(self, person: Person) -> socket.socket:
        """A TCP connection with the WebSocket handshake done, and nothing else read."""
        host, port = self.backend_url.removeprefix("http://").split(":")
        raw = socket.create_connection((host, int(port)))
        self._connections.callback(raw.close)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 131_072)
        raw.sendall(
            f"GET /ws HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Version: 13\r\n"
            f"Authorization: Bearer {person.token}\r\n\r\n".encode()
        )
        assert raw.recv(12) == b"HTTP/1.1 101"
        return raw

    def person(self, name: str | None = None) -> Person:
        name = name or f"canary{secrets.token_hex(4)}"
        account = {"email": f"{secrets.token_hex(6)}@example.com", "password": "long enough"}
        url = self.auth_hop.upstream
        self.http.post(f"{url}/auth/register", json={**account, "name": name}).raise_for_status()
        reply = self.http.post(f"{url}/auth/login", json=account).raise_for_status().json()
        bearer = {"Authorization": f"Bearer {reply['access_token']}"}
        thread = self.http.post(f"{self.backend_url}/api/threads", json={}, headers=bearer)
        return Person(self, reply["user"]["id"], name, reply["access_token"], thread.json()["id"])

    def open(self, mode: str = "main", **options: Any) -> Socket:
        """Open a WebSocket; raises `websockets.exceptions.InvalidStatus` where it is refused."""
        url = f"{self.backend_url.replace('http', 'ws')}/ws?mode={mode}"
        options = {"compression": None, "proxy": None, "ping_interval": None, **options}
        opening = connect(url, open_timeout=15, close_timeout=2, **options)
        opened = Socket(self._connections.enter_context(opening))
        self._sockets.append(opened)
        return opened

    def state(self) -> dict[str, Any]:
        reply = self.http.get(f"{self.backend_url}/internal/state", headers=DIAGNOSTICS)
        state: dict[str, Any] = reply.raise_for_status().json()
        return state

    def wait_until_silent(self) -> dict[str, Any]:
        """Two equal readings with nothing in flight; the reading."""
        previous: Any = None

        def is_silent() -> Any:
            nonlocal previous
            reading = self.state()
            before, previous = previous, reading["messages"]
            return reading if reading["in_flight"] == 0 and before == previous else None

        reading: dict[str, Any] = wait_until(is_silent, "silence")
        return reading

    def wait_for_state(self, condition: Callable[[dict[str, Any]], Any], what: str = "") -> Any:
        return wait_until(lambda: condition(self.state()), what)

    @contextmanager
    def write_lock(self) -> Iterator[None]:
        """Hold the store's write lock inside the block."""
        path = self.store.url.removeprefix("sqlite:///")
        connection = sqlite3.connect(path, isolation_level=None, timeout=PATIENCE_S)
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.execute("COMMIT")
        finally:
            connection.close()

    def close(self) -> None:
        for opened in self._sockets:
            opened.cut()
        self._connections.close()
        self._threads.shutdown()
        self.http.close()


StartLab = Callable[..., Lab]


@pytest.fixture
def start_lab(store_settings: StoreSettings, serve: Callable[[Any], Any]) -> Iterator[StartLab]:
    """Starts a platform with the given defects; `cold` does not wait until it is ready."""
    opened: list[Lab | Hop] = []

    def start(
        *defects: str,
        cold: bool = False,
        hold_model: bool = False,
        busy_timeout_s: float = 5.0,
        **gateway_settings: Any,
    ) -> Lab:
        auth_hop, model_hop = Hop(), Hop()
        lab = Lab(store_settings, auth_hop, model_hop)
        opened.extend((auth_hop, model_hop, lab))
        store = {**store_settings.model_dump(), "busy_timeout_s": busy_timeout_s}
        common = {"diagnostics_secret": "diagnostics", "store": store}
        auth_settings = {
            **common,
            "jwt_secret": "a-secret-that-only-the-auth-service-knows",
            "passwords": {"time_cost": 1, "memory_cost_kib": 8, "parallelism": 1},
            "service_credentials": {"backend": "service-secret"},
        }
        backend_settings = {
            **common,
            "auth_url": auth_hop.url,
            "auth_timeout_s": 20,
            "service_secret": "service-secret",
            "model_url": f"{model_hop.url}/v1",
            "model_timeout_s": 20,
            "gateway": gateway_settings,
        }
        named = list(defects)
        auth_hop.upstream = serve(build_auth({"settings": auth_settings, "defects": named})).url
        model_settings = {"diagnostics_secret": "diagnostics"}
        model_hop.upstream = serve(build_model({"settings": model_settings})).url
        if hold_model:
            model_hop.hold()
        lab.backend = serve(build_backend({"settings": backend_settings, "defects": named}))
        for url in (auth_hop.upstream, model_hop.upstream, lab.backend_url):
            wait_until(lambda url=url: _answers(lab.http, f"{url}/health/live"), url)
        if not cold:
            wait_until(lambda: _answers(lab.http, f"{lab.backend_url}/health/ready"), "readiness")
        return lab

    yield start
    for resource in reversed(opened):
        resource.close()


def _answers(client: httpx.Client, url: str) -> bool:
    try:
        return client.get(url).status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture
def lab(start_lab: StartLab) -> Lab:
    """The remediated platform."""
    return start_lab()
