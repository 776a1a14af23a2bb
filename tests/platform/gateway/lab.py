"""A platform whose hops can be held: auth service, model server and one backend."""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

import httpx
import uvicorn
from websockets.sync.client import connect

from gp_helpers.cloud_run.server import EventServer
from gp_helpers.cloud_run.sockets import bound_socket
from gp_helpers.platform.services import build_auth, build_backend, build_model
from gp_helpers.platform.settings import StoreSettings
from tests.platform.gateway.clients import Person, Socket
from tests.platform.gateway.hop import PATIENCE_S, Hop, wait_until

DIAGNOSTICS = {"X-Golden-Path-Secret": "diagnostics"}

T = TypeVar("T")


class Served:
    """One application under uvicorn, in a thread with a loop of its own."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._listener = bound_socket()
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name=self.url)
        self._thread.start()
        assert self._started.wait(PATIENCE_S), f"{self.url} does not start"

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        config = uvicorn.Config(
            self._app,
            log_config=None,
            lifespan="on",
            ws="websockets-sansio",
            ws_ping_interval=None,
            loop="none",
        )
        server = EventServer(config, stopping=self._stopping, started=self._started.set)
        await server.serve_on(self._listener)

    def ask_to_stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)

    def close(self) -> None:
        if self._thread.is_alive():
            self.ask_to_stop()
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive(), f"{self.url} does not stop"
        self._listener.close()


class Lab:
    """Auth service, model server and one backend, with a hop that can be held before each."""

    def __init__(self, store: StoreSettings) -> None:
        self.store = store
        self.auth_hop = Hop()
        self.model_hop = Hop()
        self.backend: Served
        self._served: list[Served] = []
        self.http = httpx.Client(timeout=15, trust_env=False, verify=False)
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

    def half_open_handshake(self, person: Person) -> socket.socket:
        """A TCP connection over which the opening handshake was sent, and nothing read."""
        host, port = self.backend_url.removeprefix("http://").split(":")
        raw = socket.create_connection((host, int(port)))
        self._connections.callback(raw.close)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 131_072)
        raw.sendall(
            f"GET /ws HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Version: 13\r\n"
            f"Authorization: Bearer {person.token}\r\n\r\n".encode()
        )
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

    def open(self, mode: str = "main", port: int | None = None, **options: Any) -> Socket:
        """Open a WebSocket; raises `websockets.exceptions.InvalidStatus` where it is refused."""
        backend_port = self.backend_url.rpartition(":")[2]
        url = f"ws://127.0.0.1:{port or backend_port}/ws?mode={mode}"
        options = {"compression": None, "proxy": None, "ping_interval": None, **options}
        opening = connect(url, open_timeout=15, close_timeout=2, **options)
        opened = Socket(self._connections.enter_context(opening))
        self._sockets.append(opened)
        return opened

    def state(self) -> dict[str, Any]:
        reply = self.http.get(f"{self.backend_url}/internal/state", headers=DIAGNOSTICS)
        state: dict[str, Any] = reply.raise_for_status().json()
        return state

    def step_the_clock(self, offset_s: float) -> None:
        """Set the backend's clock; what it sets off is under way when this returns."""
        url, body = f"{self.backend_url}/internal/clock", {"offset_s": offset_s}
        self.http.put(url, json=body, headers=DIAGNOSTICS).raise_for_status()

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

    def start(
        self,
        *defects: str,
        cold: bool = False,
        hold_model: bool = False,
        busy_timeout_s: float = 5.0,
        **gateway_settings: Any,
    ) -> None:
        """Start the services with these defects; a cold backend is not waited for."""
        store = {**self.store.model_dump(), "busy_timeout_s": busy_timeout_s}
        common = {"diagnostics_secret": "diagnostics", "store": store}
        auth_settings = {
            **common,
            "jwt_secret": "a-secret-that-only-the-auth-service-knows",
            "passwords": {"time_cost": 1, "memory_cost_kib": 8, "parallelism": 1},
            "service_credentials": {"backend": "service-secret"},
        }
        backend_settings = {
            **common,
            "auth_url": self.auth_hop.url,
            "auth_timeout_s": 20,
            "service_secret": "service-secret",
            "model_url": f"{self.model_hop.url}/v1",
            "model_timeout_s": 20,
            "gateway": gateway_settings,
        }
        model_settings = {"diagnostics_secret": "diagnostics"}
        named = list(defects)
        self.auth_hop.upstream = self._serve(
            build_auth({"settings": auth_settings, "defects": named})
        ).url
        self.model_hop.upstream = self._serve(build_model({"settings": model_settings})).url
        if hold_model:
            self.model_hop.hold()
        self.backend = self._serve(build_backend({"settings": backend_settings, "defects": named}))
        if not cold:
            wait_until(self.is_ready, "readiness")

    def outbox_of(self, person: Person) -> list[dict[str, Any]]:
        """Every event of a user, straight from the store."""
        query = "SELECT message FROM outbox WHERE user_id = ? ORDER BY event_id"
        connection = sqlite3.connect(self.store.url.removeprefix("sqlite:///"))
        try:
            return [json.loads(text) for (text,) in connection.execute(query, (person.id,))]
        finally:
            connection.close()

    def is_ready(self) -> bool:
        return self.http.get(f"{self.backend_url}/health/ready").status_code == 200

    def tidy(self) -> None:
        """Let everything go and wait until nothing is left of the sockets that were opened."""
        for hop in (self.auth_hop, self.model_hop):
            hop.let_go()
        for opened in self._sockets:
            opened.cut()
        self._connections.close()
        self._sockets.clear()

    def close(self) -> None:
        self.tidy()
        for served in reversed(self._served):
            served.close()
        for hop in (self.auth_hop, self.model_hop):
            hop.close()
        self._threads.shutdown()
        self.http.close()

    def _serve(self, app: Any) -> Served:
        served = Served(app)
        self._served.append(served)
        return served
