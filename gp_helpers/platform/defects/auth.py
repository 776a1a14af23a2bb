"""The as-reported components of the auth suite.

Each does its job when it is looked at alone; what breaks is how they fit together.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum
from typing import Any

from gp_helpers.platform.backend.auth_client import AuthHop
from gp_helpers.platform.backend.validation import refusal_code
from gp_helpers.platform.clock import Clock
from gp_helpers.platform.errors import AuthUnavailable, PlatformError, TokenRefused
from gp_helpers.platform.jwt_rules import Claims, check_times, verify
from gp_helpers.platform.seams import Identity, Reply, TokenValidator
from gp_helpers.platform.settings import AuthSettings, BackendSettings
from gp_helpers.platform.store import Sessions


class NestedPayloadReader:
    """Reads the identity from the reply's `payload`, in the words of the token's claims."""

    def read(self, reply: Reply) -> Identity:
        payload = reply.get("payload")
        if not reply["valid"] or not isinstance(payload, Mapping):
            raise TokenRefused(refusal_code(reply))
        return Identity(
            user_id=payload["sub"],
            email=payload["email"],
            permissions=tuple(payload["permissions"]),
            expires_at=float(payload["exp"]),
        )


class LocalGatewayValidator:
    """Verifies in the gateway's own process, which saves every handshake a hop."""

    def __init__(self, _chain: TokenValidator, settings: BackendSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock

    async def validate(self, token: str) -> Identity:
        settings = self._settings
        claims = verify(
            token,
            secret=settings.jwt_secret_key,
            issuer=settings.issuer,
            audience=settings.audience,
            token_type="access",
        )
        check_times(
            claims,
            self._clock.now(),
            start_leeway_s=settings.allowed_skew_s,
            end_leeway_s=settings.allowed_skew_s,
        )
        return Identity(
            user_id=claims["sub"],
            email=claims["email"],
            permissions=tuple(claims["permissions"]),
            expires_at=float(claims["exp"]),
        )


class PrefixIdentityCache:
    """Keeps positive replies for a minute, under a key short enough for the logs."""

    KEY_LENGTH = 32
    LIFE_S = 60.0

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._replies: dict[str, tuple[float, Reply]] = {}

    async def reply_for(self, token: str, ask: Callable[[], Awaitable[Reply]]) -> Reply:
        key = token[: self.KEY_LENGTH]
        kept = self._replies.get(key)
        if kept is not None and self._clock.monotonic() < kept[0]:
            return kept[1]
        reply = await ask()
        if reply["valid"]:
            self._replies[key] = (self._clock.monotonic() + self.LIFE_S, reply)
        return reply


class DemoUserFallback:
    """Lets a visitor without a valid token look around as the demonstration user."""

    DEMO_USER = Identity(
        user_id="usr_demo",
        email="demo@golden-path.example",
        permissions=("chat:read", "chat:write", "billing:read"),
        expires_at=float("inf"),
    )

    def identity_for(self, _refusal: TokenRefused) -> Identity:
        return self.DEMO_USER


class StrictStartRules:
    """Accepts a token from the very second on that it was issued at."""

    def __init__(self, settings: BackendSettings, clock: Clock) -> None:
        self._skew_s = settings.allowed_skew_s
        self._clock = clock

    def check(self, claims: Claims) -> None:
        check_times(claims, self._clock.now(), start_leeway_s=0.0, end_leeway_s=self._skew_s)


class MinuteRefusalCache:
    """Spares the auth service tokens that were refused within the last minute."""

    LIFE_S = 60.0

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._refusals: dict[bytes, tuple[float, TokenRefused]] = {}

    def recall(self, token: str) -> TokenRefused | None:
        kept = self._refusals.get(_digest(token))
        if kept is None or self._clock.monotonic() >= kept[0]:
            return None
        return kept[1]

    def remember(self, token: str, refusal: TokenRefused) -> None:
        self._refusals[_digest(token)] = (self._clock.monotonic() + self.LIFE_S, refusal)


class ProcessRevocationList:
    """Dead tokens in memory: no look-up costs a query."""

    def __init__(self, _sessions: Sessions, clock: Clock) -> None:
        self._clock = clock
        self._revoked: dict[str, float] = {}

    async def revoke(self, token_id: str, expires_at: float) -> None:
        now = self._clock.now()
        self._revoked = {known: until for known, until in self._revoked.items() if until > now}
        self._revoked[token_id] = expires_at

    async def is_revoked(self, token_id: str) -> bool:
        return token_id in self._revoked


class PromisedLifetime:
    """Tells the session's life that the product promises."""

    def __init__(self, settings: AuthSettings) -> None:
        self._session_lifetime_s = settings.session_lifetime_s

    def expires_in(self, _claims: Claims) -> int:
        return self._session_lifetime_s


class BreakerState(StrEnum):
    """Where a circuit breaker stands."""

    CLOSED = "closed"
    """Requests pass."""
    OPEN = "open"
    """No request passes until the cool-down is over."""
    HALF_OPEN = "half_open"
    """One request is let through to try."""


class BreakingAuthClient:
    """Stops asking an auth service that fails too often, and leaves it time to recover."""

    FAILURES = 5
    WINDOW_S = 60.0
    COOL_DOWN_S = 30.0

    def __init__(self, hop: AuthHop, clock: Clock) -> None:
        self._hop = hop
        self._clock = clock
        self._failures: deque[float] = deque()
        self._opened_at: float | None = None
        self._probing = False

    async def ask(self, token: str) -> Reply:
        self._let_through()
        try:
            reply = await self._hop.ask(token)
        except BaseException:
            self._failed()
            raise
        if reply["valid"]:
            self._succeeded()
        else:
            self._failed()
        return reply

    def state(self) -> dict[str, Any]:
        return {
            "breaker": {
                "state": str(self._state()),
                "failures": len(self._failures),
                "cool_down_left_s": self._cool_down_left_s(),
            }
        }

    def _state(self) -> BreakerState:
        if self._opened_at is None:
            return BreakerState.CLOSED
        return BreakerState.OPEN if self._cool_down_left_s() > 0 else BreakerState.HALF_OPEN

    def _cool_down_left_s(self) -> float:
        if self._opened_at is None:
            return 0.0
        return max(0.0, self._opened_at + self.COOL_DOWN_S - self._clock.monotonic())

    def _let_through(self) -> None:
        state = self._state()
        if state is BreakerState.OPEN or (state is BreakerState.HALF_OPEN and self._probing):
            raise AuthUnavailable(
                "The auth service is not being asked at the moment.",
                retry_after=self._cool_down_left_s() or 1.0,
            )
        self._probing = state is BreakerState.HALF_OPEN

    def _succeeded(self) -> None:
        if self._probing:
            self._failures.clear()
            self._opened_at = None
            self._probing = False

    def _failed(self) -> None:
        now = self._clock.monotonic()
        self._failures.append(now)
        while self._failures and self._failures[0] < now - self.WINDOW_S:
            self._failures.popleft()
        if self._probing or (self._opened_at is None and len(self._failures) >= self.FAILURES):
            self._opened_at = now
            self._probing = False


class UnauthorizedFailureEdge:
    """Whoever could not be validated is not authorized."""

    def translate(self, _failure: AuthUnavailable) -> PlatformError:
        return TokenRefused("invalid_token")


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
