"""One journey through the embedded platform in the parent of its processes, before it is forked.

What Python does slowly the first time (imports, compiled expressions and statements, specialised
bytecode) every fork then has behind it, instead of each service of each platform doing it anew.
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from websockets.asyncio.client import connect

from gp_helpers.cloud_run import (
    ExistingInstance,
    HttpProbe,
    Isolation,
    RevisionSettings,
    ServiceSpec,
    ingress_spec,
    open_host,
)
from gp_helpers.cloud_run.service_thread import close_service_thread
from gp_helpers.platform.contract import DIAGNOSTICS_HEADER, EventType
from gp_helpers.platform.service_client import ServiceClient
from gp_helpers.platform.settings import StoreSettings
from gp_helpers.targets.temporary import temporary_folder

logger = logging.getLogger(__name__)

_SECRET = "a rehearsal has no secrets, but they have a length"
_PERSON = {"email": "rehearsal@example.com", "password": "of a rehearsal"}
_LONGEST_S = 20.0


class RehearsalFailed(Exception):
    """Raised when the embedded platform does not get through its rehearsal."""


@cache
def rehearse() -> None:
    """Make a journey on loopback, in threads that end with it (blocking).

    Where that fails the services only start more slowly: it is logged, and the trials will tell.
    """

    def perform() -> None:
        try:
            asyncio.run(_perform())
        except Exception as error:
            logger.warning("the embedded platform did not get through its rehearsal: %r", error)
        finally:
            close_service_thread()

    # Not on the main thread, whose signals a loop would take.
    stage = threading.Thread(target=perform, name="rehearsal")
    stage.start()
    stage.join()


async def _perform() -> None:
    with temporary_folder() as name:
        folder = Path(name)
        store = StoreSettings(url=f"sqlite:///{folder}/platform.db", synchronous="OFF")
        async with (
            asyncio.timeout(_LONGEST_S),
            open_host(Isolation.THREAD, logs=folder, grace_s=0.5) as host,
        ):
            stored = {"store": store.model_dump()}
            auth = await host.start(
                _spec(
                    "auth",
                    {
                        **stored,
                        "creates_store": True,
                        "jwt_secret": _SECRET,
                        "passwords": {"time_cost": 1, "memory_cost_kib": 64, "parallelism": 1},
                        "service_credentials": {"backend": _SECRET},
                    },
                )
            )
            model = await host.start(_spec("model", {}))
            backend = await host.start(
                _spec(
                    "backend",
                    {
                        **stored,
                        "auth_url": auth.url,
                        "service_secret": _SECRET,
                        "model_url": f"{model.url}/v1",
                    },
                )
            )
            ingress = await host.start(
                ingress_spec(
                    settings=RevisionSettings(),
                    secret=_SECRET,
                    existing=[ExistingInstance(backend.name, backend.url)],
                )
            )
            await _journey(auth.url, ingress.url)


def _spec(name: str, settings: Mapping[str, Any]) -> ServiceSpec:
    return ServiceSpec(
        name,
        f"gp_helpers.platform.services:build_{name}",
        {"settings": {"diagnostics_secret": _SECRET, **settings}},
        startup_probe=HttpProbe(),
    )


async def _journey(auth: str, ingress: str) -> None:
    """Register, log in, connect, ask, get five events, read back, log out."""
    async with ServiceClient() as http:

        async def ask(method: str, url: str, body: object = None, **headers: str) -> Any:
            reply = await http.request(method, url, body=body, headers=headers)
            if not reply.is_success:
                raise RehearsalFailed(f"{method} {url} was answered with {reply.status}")
            return reply.json() if reply.content else None

        await ask("POST", f"{auth}/auth/register", _PERSON)
        tokens = await ask("POST", f"{auth}/auth/login", _PERSON)
        fresh = {"refresh_token": tokens["refresh_token"]}
        tokens = await ask("POST", f"{auth}/auth/refresh", fresh)
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
        await ask("GET", f"{auth}/auth/me", **bearer)
        thread = await ask("POST", f"{ingress}/api/threads", {"title": "rehearsal"}, **bearer)
        await _five_events(ingress, bearer, thread["id"])
        await ask("GET", f"{ingress}/api/threads/{thread['id']}/messages", **bearer)
        await ask("GET", f"{ingress}/internal/ingress", **{DIAGNOSTICS_HEADER: _SECRET})
        await ask("POST", f"{auth}/auth/logout", **bearer)


async def _five_events(ingress: str, bearer: Mapping[str, str], thread_id: str) -> None:
    url = f"{ingress}/ws".replace("http", "ws", 1)
    async with connect(url, additional_headers=bearer, compression=None, proxy=None) as socket:
        request = {
            "type": "agent_request",
            "id": "rehearsal",
            "thread_id": thread_id,
            "message": "Where can I save most?",
        }
        for message in (request, {"type": "ping", "id": "rehearsal"}):
            await socket.send(json.dumps(message))
        async for text in socket:
            if (message := json.loads(text))["type"] == "error":
                raise RehearsalFailed(f"an error in place of an answer: {message['data']['code']}")
            if message["type"] == EventType.AGENT_COMPLETED:
                return
    raise RehearsalFailed("the socket was closed in place of an answer")
