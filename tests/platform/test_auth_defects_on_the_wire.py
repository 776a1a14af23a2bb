"""Each auth defect alone shows its symptom on the wire, and without it the symptom is not there."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from gp_helpers.platform.auth.tokens import bad_tokens

JWT_SECRET = "a-secret-that-only-the-auth-service-knows"


def threads_status(platform: Any, token: str, backend: str | None = None) -> int:
    reply = platform.client.get(
        f"{backend or platform.backend}/api/threads",
        headers={"Authorization": f"Bearer {token}"},
    )
    return int(reply.status_code)


def handshake(platform: Any, token: str) -> int | str:
    """The refusal's status, or the id of the user whom the server greets."""
    encoded = base64.urlsafe_b64encode(token.encode()).rstrip(b"=").decode()
    try:
        with connect(
            platform.backend.replace("http", "ws") + "/ws",
            subprotocols=["golden-path.v1", f"jwt.{encoded}"],  # type: ignore[list-item]
            proxy=None,
        ) as socket:
            return str(json.loads(socket.recv(timeout=5))["data"]["user_id"])
    except InvalidStatus as refusal:
        return refusal.response.status_code


def all_green(platform: Any) -> bool:
    return all(
        platform.client.get(f"{service}/health/ready").status_code == 200
        for service in (*platform.auths, *platform.backends, platform.model)
    )


@pytest.mark.parametrize(("defects", "status"), [((), 201), (("auth.chat_nested_payload",), 401)])
def test_chat_nested_payload(start_platform: Any, defects: tuple[str, ...], status: int) -> None:
    platform = start_platform(*defects)
    user = platform.new_user()
    thread = platform.client.post(
        f"{platform.backend}/api/threads", json={}, headers=user.bearer
    ).json()
    reply = platform.client.post(
        f"{platform.backend}/api/chat/messages",
        json={"thread_id": thread["id"], "content": "hello"},
        headers=user.bearer,
    )
    assert reply.status_code == status
    assert threads_status(platform, user.access_token) == 200
    assert handshake(platform, user.access_token) == user.id
    assert all_green(platform)


@pytest.mark.parametrize("defects", [(), ("auth.gateway_local_secret",)])
def test_gateway_local_secret(start_platform: Any, defects: tuple[str, ...]) -> None:
    platform = start_platform(*defects)
    user = platform.new_user()
    assert handshake(platform, user.access_token) == (401 if defects else user.id)
    assert threads_status(platform, user.access_token) == 200
    assert all_green(platform)


@pytest.mark.parametrize(
    "defects",
    [(), ("auth.chat_nested_payload", "auth.gateway_local_secret")],
)
def test_bad_tokens_are_refused_everywhere(start_platform: Any, defects: tuple[str, ...]) -> None:
    platform = start_platform(*defects)
    user = platform.new_user()
    tokens = {**bad_tokens(user.access_token, JWT_SECRET), "refresh": user.refresh_token}
    decisions = {
        name: (threads_status(platform, token), handshake(platform, token))
        for name, token in tokens.items()
    }
    assert decisions == dict.fromkeys(tokens, (401, 401))


@pytest.mark.parametrize("defects", [(), ("auth.prefix_cache",)])
def test_prefix_cache(start_platform: Any, defects: tuple[str, ...]) -> None:
    platform = start_platform(*defects)
    first, second = platform.new_user(), platform.new_user()
    owners = [
        platform.client.get(f"{platform.backend}/api/threads", headers=user.bearer).json()["owner"]
        for user in (first, second)
    ]
    assert owners == [first.id, first.id if defects else second.id]
    assert all_green(platform)


@pytest.mark.parametrize("defects", [(), ("auth.demo_user_fallback",)])
def test_demo_user_fallback(start_platform: Any, defects: tuple[str, ...]) -> None:
    platform = start_platform(*defects)
    user = platform.new_user()
    assert handshake(platform, "garbage") == ("usr_demo" if defects else 401)
    assert handshake(platform, user.access_token) == user.id
    assert threads_status(platform, "garbage") == 401


@pytest.mark.parametrize("defects", [(), ("auth.no_iat_leeway",)])
def test_no_iat_leeway(start_platform: Any, defects: tuple[str, ...]) -> None:
    platform = start_platform(*defects, backend_settings={"allowed_skew_s": 5.0})
    user = platform.new_user()
    platform.step_clock(platform.backend, -4)
    assert threads_status(platform, user.access_token) == (401 if defects else 200)
    platform.step_clock(platform.backend, 0)
    assert threads_status(platform, user.access_token) == 200


@pytest.mark.parametrize("defects", [(), ("auth.refusal_cache",)])
def test_refusal_cache(start_platform: Any, defects: tuple[str, ...]) -> None:
    platform = start_platform(*defects)
    user = platform.new_user()
    platform.step_clock(platform.backend, -10)
    assert threads_status(platform, user.access_token) == 401
    platform.step_clock(platform.backend, 0)
    assert threads_status(platform, user.access_token) == (401 if defects else 200)
    platform.step_clock(platform.backend, 70)
    assert threads_status(platform, user.access_token) == 200


@pytest.mark.parametrize("defects", [(), ("auth.local_revocation",)])
def test_local_revocation(start_platform: Any, defects: tuple[str, ...]) -> None:
    platform = start_platform(*defects, instances=2)
    user = platform.new_user()
    first, second = platform.backends
    assert threads_status(platform, user.access_token, second) == 200
    platform.client.post(f"{platform.auth}/auth/logout", headers=user.bearer)
    assert threads_status(platform, user.access_token, first) == 401
    assert threads_status(platform, user.access_token, second) == (200 if defects else 401)


@pytest.mark.parametrize("defects", [(), ("auth.dishonest_expires_in",)])
def test_dishonest_expires_in(start_platform: Any, defects: tuple[str, ...]) -> None:
    platform = start_platform(*defects)
    user = platform.new_user()
    refreshed = platform.client.post(
        f"{platform.auth}/auth/refresh", json={"refresh_token": user.refresh_token}
    ).json()
    assert refreshed["expires_in"] == (3600 if defects else 900)


@pytest.mark.parametrize("defects", [(), ("auth.breaker_counts_refusals",)])
def test_breaker_counts_refusals(start_platform: Any, defects: tuple[str, ...]) -> None:
    platform = start_platform(*defects)
    guilty, innocent = platform.new_user(), platform.new_user()
    platform.client.post(f"{platform.auth}/auth/logout", headers=guilty.bearer)
    for _ in range(6):
        threads_status(platform, guilty.access_token)
    reply = platform.client.get(f"{platform.backend}/api/threads", headers=innocent.bearer)
    assert reply.status_code == (503 if defects else 200)
    if defects:
        assert 25 <= int(reply.headers["Retry-After"]) <= 30
        breaker = platform.state(platform.backend)["auth_client"]["breaker"]
        assert breaker["state"] == "open"
        platform.step_clock(platform.backend, 31)
        assert threads_status(platform, innocent.access_token) == 200
        breaker = platform.state(platform.backend)["auth_client"]["breaker"]
        assert breaker["state"] == "closed"
    assert all_green(platform)


class FailingAuth:
    """An auth service that is away for `failures` validations and then passes them on."""

    def __init__(self, platform_auth: Callable[[], str], client: Callable[[], Any]) -> None:
        self.failures = 0
        self._auth = platform_auth
        self._client = client
        self.app = Starlette(
            routes=[
                Route("/auth/validate", self.validate, methods=["POST"]),
                Route("/health/ready", lambda _request: Response(status_code=200)),
            ]
        )

    async def validate(self, request: Request) -> Response:
        if self.failures:
            self.failures -= 1
            return Response(status_code=503)
        names = ("x-service-id", "x-service-secret")
        reply = self._client().post(
            f"{self._auth()}/auth/validate",
            content=await request.body(),
            headers={name: request.headers[name] for name in names},
        )
        return JSONResponse(reply.json(), status_code=reply.status_code)


@pytest.mark.parametrize("defects", [(), ("auth.transient_as_401",)])
def test_transient_as_401(start_platform: Any, serve: Any, defects: tuple[str, ...]) -> None:
    started: list[Any] = []
    failing = FailingAuth(lambda: started[0].auth, lambda: started[0].client)
    platform = start_platform(*defects, auth_url=serve(failing.app).url)
    started.append(platform)
    user = platform.new_user()

    failing.failures = 1
    assert threads_status(platform, user.access_token) == 200
    failing.failures = 2
    reply = platform.client.get(f"{platform.backend}/api/threads", headers=user.bearer)
    if defects:
        assert (reply.status_code, reply.json()["error"]["code"]) == (401, "invalid_token")
    else:
        assert (reply.status_code, reply.json()["error"]["code"]) == (503, "auth_unavailable")
        assert reply.headers["Retry-After"] == "1"
    failing.failures = 2
    assert handshake(platform, user.access_token) == (401 if defects else 503)
    assert threads_status(platform, user.access_token) == 200
