"""The clients of the auth service do their job by themselves, as reported or remediated."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gp_helpers.platform.backend.auth_client import AuthHop, RetryingAuthClient
from gp_helpers.platform.clock import Clock
from gp_helpers.platform.defects.auth import BreakingAuthClient
from gp_helpers.platform.errors import AuthUnavailable
from gp_helpers.platform.seams import Reply
from gp_helpers.platform.service_client import ServiceClient
from gp_helpers.platform.settings import BackendSettings

pytestmark = pytest.mark.anyio

NEGATIVE: Reply = {"valid": False, "error": {"code": "token_revoked"}}


class FakeAuth:
    """Answers validations from a script, on a real socket."""

    def __init__(self) -> None:
        self.script: list[Response] = []
        self.app = Starlette(routes=[Route("/auth/validate", self.validate, methods=["POST"])])

    async def validate(self, request: Request) -> Response:
        assert request.headers["X-Service-Secret"] == "service-secret"
        return self.script.pop(0)


@pytest.mark.parametrize("component", [RetryingAuthClient, BreakingAuthClient])
class TestAuthClient:
    async def test_it_hands_the_reply_on(
        self, component: Any, serve: Any, backend_settings: BackendSettings, clock: Clock
    ) -> None:
        fake = FakeAuth()
        settings = backend_settings.model_copy(update={"auth_url": serve(fake.app).url})
        async with ServiceClient() as http:
            client = component(AuthHop(http, settings, clock), clock)
            fake.script = [JSONResponse({"valid": True, "user_id": "u"}), JSONResponse(NEGATIVE)]
            assert await client.ask("one") == {"valid": True, "user_id": "u"}
            assert await client.ask("two") == NEGATIVE
            assert isinstance(client.state(), dict)

    @pytest.mark.parametrize(
        "answer",
        [
            lambda: Response(status_code=503),
            lambda: Response("no JSON"),
            lambda: JSONResponse(["valid"]),
            lambda: JSONResponse({"valid": "maybe"}),
        ],
    )
    async def test_what_is_no_answer_is_unavailable(
        self,
        component: Any,
        answer: Any,
        serve: Any,
        backend_settings: BackendSettings,
        clock: Clock,
    ) -> None:
        fake = FakeAuth()
        settings = backend_settings.model_copy(update={"auth_url": serve(fake.app).url})
        fake.script = [answer() for _ in range(4)]
        async with ServiceClient() as http:
            client = component(AuthHop(http, settings, clock), clock)
            with pytest.raises(AuthUnavailable) as failure:
                await client.ask("token")
        assert failure.value.retry_after is not None

    async def test_nobody_listening_is_unavailable(
        self, component: Any, backend_settings: BackendSettings, clock: Clock
    ) -> None:
        async with ServiceClient() as http:
            with pytest.raises(AuthUnavailable):
                await component(AuthHop(http, backend_settings, clock), clock).ask("token")


async def test_the_breaker_opens_tries_once_and_closes(
    serve: Any, backend_settings: BackendSettings, clock: Clock
) -> None:
    fake = FakeAuth()
    settings = backend_settings.model_copy(update={"auth_url": serve(fake.app).url})
    async with ServiceClient() as http:
        client = BreakingAuthClient(AuthHop(http, settings, clock), clock)

        async def ask_in_vain() -> AuthUnavailable:
            with pytest.raises(AuthUnavailable) as failure:
                await client.ask("token")
            return failure.value

        fake.script = [Response(status_code=503) for _ in range(5)]
        for _ in range(5):
            await ask_in_vain()
        assert client.state()["breaker"]["state"] == "open"
        assert 29 < ((await ask_in_vain()).retry_after or 0) <= 30

        clock.set_offset(31)
        assert client.state()["breaker"]["state"] == "half_open"
        fake.script = [Response(status_code=503)]
        await ask_in_vain()
        assert client.state()["breaker"]["state"] == "open"

        clock.set_offset(62)
        fake.script = [JSONResponse({"valid": True})]
        await client.ask("token")
        assert client.state()["breaker"] == {
            "state": "closed",
            "failures": 0,
            "cool_down_left_s": 0.0,
        }
