"""The auth service's ASGI application."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import StringConstraints
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gp_helpers.platform.auth.passwords import Passwords
from gp_helpers.platform.auth.tokens import TokenAuthority
from gp_helpers.platform.clock import Clock
from gp_helpers.platform.contract import SERVICE_ID_HEADER, SERVICE_SECRET_HEADER
from gp_helpers.platform.errors import PlatformError, StoreUnavailable, TokenRefused
from gp_helpers.platform.http import (
    EXCEPTION_HANDLERS,
    Diagnostics,
    Edge,
    RequestBody,
    Traffic,
    bearer_token,
    health,
    read_body,
    secrets_match,
)
from gp_helpers.platform.jwt_rules import Claims
from gp_helpers.platform.logs import service_log
from gp_helpers.platform.seams import RevocationList, TokenLifetime
from gp_helpers.platform.settings import AuthSettings
from gp_helpers.platform.store import Account, Accounts, Sessions, Store
from gp_helpers.platform.store.sessions import Redemption, RefreshToken

Email = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, to_lower=True, max_length=320, pattern=r"^[^@\s]+@[^@\s]+$"
    ),
]
Password = Annotated[str, StringConstraints(min_length=8, max_length=256)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class RegisterBody(RequestBody):
    email: Email
    password: Password
    name: Name | None = None


class LoginBody(RequestBody):
    email: Email
    password: Annotated[str, StringConstraints(max_length=256)]


class RefreshBody(RequestBody):
    refresh_token: str


class ValidateBody(RequestBody):
    token: str


@dataclass(frozen=True, slots=True)
class AuthServices:
    """The auth service's parts, put together by the wiring."""

    settings: AuthSettings
    clock: Clock
    store: Store
    accounts: Accounts
    sessions: Sessions
    passwords: Passwords
    tokens: TokenAuthority
    revocations: RevocationList
    lifetime: TokenLifetime


class AuthEndpoints:
    """The handlers of `/auth/…`."""

    def __init__(self, services: AuthServices) -> None:
        self._services = services

    def routes(self) -> list[Route]:
        return [
            Route("/auth/register", self.register, methods=["POST"]),
            Route("/auth/login", self.login, methods=["POST"]),
            Route("/auth/refresh", self.refresh, methods=["POST"]),
            Route("/auth/validate", self.validate, methods=["POST"]),
            Route("/auth/logout", self.logout, methods=["POST"]),
            Route("/auth/me", self.me, methods=["GET"]),
            Route("/health/live", self.live, methods=["GET"]),
            Route("/health/ready", self.ready, methods=["GET"]),
        ]

    async def register(self, request: Request) -> Response:
        body = await read_body(request, RegisterBody)
        account = Account(
            id=f"usr_{secrets.token_hex(8)}",
            email=body.email,
            name=body.name or body.email.partition("@")[0],
            password_hash=await self._services.passwords.hash(body.password),
        )
        await self._services.accounts.add(account)
        return JSONResponse({"user": _user(account)}, status_code=201)

    async def login(self, request: Request) -> Response:
        body = await read_body(request, LoginBody)
        account = await self._services.accounts.by_email(body.email)
        stored_hash = account.password_hash if account is not None else None
        matches = await self._services.passwords.matches(body.password, stored_hash)
        if account is None or not matches:
            raise PlatformError("invalid_credentials")
        session = secrets.token_hex(12)
        refresh = self._services.tokens.issue("refresh", account.id, account.email, session)
        await self._services.sessions.begin(
            RefreshToken(refresh.claims["jti"], session, refresh.claims["exp"])
        )
        return self._tokens(account.id, account.email, session, refresh.token)

    async def refresh(self, request: Request) -> Response:
        body = await read_body(request, RefreshBody)
        claims = self._services.tokens.verify(body.refresh_token, "refresh")
        user_id, email, session = claims["sub"], claims["email"], claims["sid"]
        successor = self._services.tokens.issue("refresh", user_id, email, session)
        redemption = await self._services.sessions.rotate(
            claims["jti"],
            RefreshToken(successor.claims["jti"], session, successor.claims["exp"]),
            self._services.clock.now(),
        )
        match redemption:
            case Redemption.ROTATED:
                return self._tokens(user_id, email, session, successor.token)
            case Redemption.REUSED:
                raise TokenRefused("refresh_reused")
            case Redemption.REFUSED:
                raise TokenRefused("token_revoked")

    async def validate(self, request: Request) -> Response:
        self._authorise_service(request)
        body = await read_body(request, ValidateBody)
        try:
            claims = await self._accepted(body.token)
        except TokenRefused as refusal:
            return JSONResponse({"valid": False, "error": {"code": refusal.code}})
        return JSONResponse(
            {
                "valid": True,
                "user_id": claims["sub"],
                "email": claims["email"],
                "permissions": claims["permissions"],
                "issued_at": claims["iat"],
                "expires_at": claims["exp"],
            }
        )

    async def logout(self, request: Request) -> Response:
        claims = await self._accepted(bearer_token(request))
        await self._services.revocations.revoke(claims["jti"], claims["exp"])
        await self._services.sessions.end(claims["sid"], self._services.clock.now())
        return Response(status_code=204)

    async def me(self, request: Request) -> Response:
        claims = await self._accepted(bearer_token(request))
        account = await self._services.accounts.by_id(claims["sub"])
        if account is None:
            raise TokenRefused("invalid_token")
        return JSONResponse({"user": _user(account), "permissions": claims["permissions"]})

    async def live(self, _request: Request) -> Response:
        return health("live")

    async def ready(self, _request: Request) -> Response:
        try:
            await self._services.store.version()
        except StoreUnavailable as error:
            raise PlatformError("not_ready", error.message, retry_after=1) from error
        return health("ready")

    async def _accepted(self, token: str) -> Claims:
        claims = self._services.tokens.verify(token, "access")
        if await self._services.revocations.is_revoked(claims["jti"]):
            raise TokenRefused("token_revoked")
        return claims

    def _tokens(self, user_id: str, email: str, session: str, refresh_token: str) -> Response:
        access = self._services.tokens.issue("access", user_id, email, session)
        return JSONResponse(
            {
                "access_token": access.token,
                "refresh_token": refresh_token,
                "token_type": "Bearer",
                "expires_in": self._services.lifetime.expires_in(access.claims),
                "user": {"id": user_id, "email": email},
            }
        )

    def _authorise_service(self, request: Request) -> None:
        known = self._services.settings.service_credentials
        expected = known.get(request.headers.get(SERVICE_ID_HEADER, ""))
        offered = request.headers.get(SERVICE_SECRET_HEADER)
        if expected is None or not secrets_match(offered, expected):
            raise PlatformError("invalid_service_credentials")


def auth_application(services: AuthServices) -> Starlette:
    """The application of one auth service instance; it owns the store's connections."""
    settings = services.settings
    service = f"auth/{settings.instance_id}"
    traffic = Traffic()

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        with service_log(service, settings.log_path):
            if settings.creates_store:
                await services.store.create()
            try:
                yield
            finally:
                await services.store.close()

    def state() -> dict[str, Any]:
        return {
            "service": "auth",
            "instance_id": settings.instance_id,
            "in_flight": traffic.in_flight,
            "http": traffic.state(),
        }

    diagnostics = Diagnostics(settings.diagnostics_secret, services.clock, state)
    return Starlette(
        routes=[*AuthEndpoints(services).routes(), *diagnostics.routes()],
        middleware=[Middleware(Edge, service=service, traffic=traffic)],
        exception_handlers=EXCEPTION_HANDLERS,
        lifespan=lifespan,
    )


def _user(account: Account) -> dict[str, str]:
    return {"id": account.id, "email": account.email, "name": account.name}
