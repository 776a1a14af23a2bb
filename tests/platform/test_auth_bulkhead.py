"""A burst of questions waits in the backend, not at an auth service that seems too slow then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gp_helpers.platform.backend.auth_client import AuthHop
from gp_helpers.platform.clock import Clock
from gp_helpers.platform.errors import AuthUnavailable
from gp_helpers.platform.service_client import ServiceClient
from gp_helpers.platform.settings import BackendSettings

pytestmark = pytest.mark.anyio


class SlowAuth:
    """Takes its time for each question, and counts how many it has at once."""

    def __init__(self, takes_s: float) -> None:
        self.at_once = self.most_at_once = 0
        self._takes_s = takes_s

    async def validate(self, _request: Request) -> Response:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await anyio.sleep(self._takes_s)
        self.at_once -= 1
        return JSONResponse({"valid": False})

    def application(self) -> Starlette:
        return Starlette(routes=[Route("/auth/validate", self.validate, methods=["POST"])])


def settings_with(settings: BackendSettings, **changed: Any) -> BackendSettings:
    return settings.model_copy(update=changed)


async def test_only_so_many_questions_are_asked_at_once(
    serve: Callable[[Any], Any], backend_settings: BackendSettings
) -> None:
    auth = SlowAuth(0.01)
    settings = settings_with(
        backend_settings, auth_url=serve(auth.application()).url, auth_concurrency=4
    )
    async with ServiceClient() as http:
        hop = AuthHop(http, settings, Clock())
        async with anyio.create_task_group() as group:
            for number in range(30):
                group.start_soon(hop.ask, f"token {number}")
    assert auth.most_at_once == 4


async def test_who_waits_too_long_for_a_turn_is_told(
    serve: Callable[[Any], Any], backend_settings: BackendSettings
) -> None:
    auth = SlowAuth(0.5)
    settings = settings_with(
        backend_settings,
        auth_url=serve(auth.application()).url,
        auth_concurrency=1,
        auth_wait_s=0.05,
    )
    async with ServiceClient() as http:
        hop = AuthHop(http, settings, Clock())
        async with anyio.create_task_group() as group:
            group.start_soon(hop.ask, "first")
            await anyio.wait_all_tasks_blocked()
            with pytest.raises(AuthUnavailable, match="wait"):
                await hop.ask("second")
