"""A platform on real sockets for the tests: services under uvicorn, each in a thread."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from gp_helpers.platform.clock import Clock
from gp_helpers.platform.services import build_auth, build_backend, build_model
from gp_helpers.platform.settings import AuthSettings, BackendSettings, StoreSettings
from gp_helpers.platform.store import create_store

JWT_SECRET = "a-secret-that-only-the-auth-service-knows"
DIAGNOSTICS = {"X-Golden-Path-Secret": "diagnostics"}
CHEAP_PASSWORDS = {"time_cost": 1, "memory_cost_kib": 8, "parallelism": 1}


class Served:
    """One application on a loopback port of the kernel's choice."""

    def __init__(self, app: Any) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.bind(("127.0.0.1", 0))
        # Whoever comes before the server is up waits in the backlog and is not refused.
        self._socket.listen(128)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(app, log_config=None, lifespan="on", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, name=self.url)
        self._thread.start()

    def _serve(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._socket]))

    def ask_to_stop(self) -> None:
        self._server.should_exit = True

    def join(self) -> None:
        self._thread.join(timeout=10)
        assert not self._thread.is_alive()
        self._socket.close()


@dataclass(frozen=True)
class User:
    """A registered and logged-in user."""

    id: str
    email: str
    name: str
    access_token: str
    refresh_token: str

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.access_token}"}


class Platform:
    """Services that are running, and short cuts that tests need all the time."""

    def __init__(self, auths: list[Served], backends: list[Served], model: Served) -> None:
        self.auths = [served.url for served in auths]
        self.backends = [served.url for served in backends]
        self.model = model.url
        self.client = httpx.Client(timeout=10, trust_env=False, verify=False)

    @property
    def auth(self) -> str:
        return self.auths[0]

    @property
    def backend(self) -> str:
        return self.backends[0]

    def wait_until_ready(self) -> None:
        for backend in self.backends:
            for _ in range(500):
                if self.client.get(f"{backend}/health/ready").status_code == 200:
                    break
            else:
                pytest.fail(f"{backend} did not become ready")

    def new_user(self, name: str | None = None) -> User:
        name = name or f"canary{secrets.token_hex(4)}"
        credentials = {"email": f"{secrets.token_hex(6)}@example.com", "password": "long enough"}
        url = self.auth
        registered = self.client.post(f"{url}/auth/register", json={**credentials, "name": name})
        assert registered.status_code == 201, registered.text
        reply = self.client.post(f"{url}/auth/login", json=credentials).json()
        return User(
            reply["user"]["id"],
            reply["user"]["email"],
            name,
            reply["access_token"],
            reply["refresh_token"],
        )

    def step_clock(self, service: str, offset_s: float) -> None:
        reply = self.client.put(
            f"{service}/internal/clock", json={"offset_s": offset_s}, headers=DIAGNOSTICS
        )
        assert reply.status_code == 200, reply.text

    def state(self, service: str) -> dict[str, Any]:
        return self.client.get(f"{service}/internal/state", headers=DIAGNOSTICS).json()


StartPlatform = Callable[..., Platform]


@pytest.fixture
def store_settings(tmp_path: Path) -> StoreSettings:
    """A fresh store."""
    settings = StoreSettings(url=f"sqlite:///{tmp_path / 'store.db'}", synchronous="OFF")
    create_store(settings)
    return settings


@pytest.fixture
def serve() -> Iterator[Callable[[Any], Served]]:
    """Serves applications until the test is over."""
    running: list[Served] = []

    def start(app: Any) -> Served:
        running.append(Served(app))
        return running[-1]

    yield start
    for served in reversed(running):
        served.ask_to_stop()
    for served in reversed(running):
        served.join()


@pytest.fixture
def start_platform(
    store_settings: StoreSettings, serve: Callable[[Any], Served]
) -> Iterator[StartPlatform]:
    """Starts a platform with the given defects; backend n asks auth service n."""
    with contextlib.ExitStack() as stack:

        def start(
            *defects: str,
            instances: int = 1,
            auth_url: str | None = None,
            backend_settings: dict[str, Any] | None = None,
        ) -> Platform:
            store = store_settings.model_dump()
            common = {"diagnostics_secret": "diagnostics", "store": store}
            auths, backends = [], []
            model = serve(build_model({"settings": {"diagnostics_secret": "diagnostics"}}))
            for number in range(1, instances + 1):
                auth_settings = {
                    **common,
                    "instance_id": str(number),
                    "jwt_secret": JWT_SECRET,
                    "passwords": CHEAP_PASSWORDS,
                    "service_credentials": {"backend": "service-secret"},
                }
                auth = serve(build_auth({"settings": auth_settings, "defects": list(defects)}))
                settings = {
                    **common,
                    "instance_id": str(number),
                    "auth_url": auth_url or auth.url,
                    "service_secret": "service-secret",
                    "model_url": f"{model.url}/v1",
                    **(backend_settings or {}),
                }
                backend = serve(build_backend({"settings": settings, "defects": list(defects)}))
                auths.append(auth)
                backends.append(backend)
            platform = Platform(auths, backends, model)
            stack.callback(platform.client.close)
            platform.wait_until_ready()
            return platform

        yield start


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def auth_settings(store_settings: StoreSettings) -> AuthSettings:
    return AuthSettings(
        diagnostics_secret="x",
        store=store_settings,
        jwt_secret=JWT_SECRET,
        service_credentials={},
        access_lifetime_s=3600,
    )


@pytest.fixture
def backend_settings(store_settings: StoreSettings) -> BackendSettings:
    return BackendSettings(
        diagnostics_secret="x",
        store=store_settings,
        auth_url="http://127.0.0.1:1",
        service_secret="service-secret",
        model_url="http://127.0.0.1:1/v1",
        jwt_secret_key=JWT_SECRET,
    )
