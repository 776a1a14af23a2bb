"""Issuing and verifying tokens, and minting the bad ones that every validator must refuse."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

import jwt

from gp_helpers.platform.clock import Clock
from gp_helpers.platform.jwt_rules import (
    ALGORITHM,
    Claims,
    TokenType,
    check_times,
    read_unverified,
    verify,
)
from gp_helpers.platform.settings import AuthSettings

PERMISSIONS = ("chat:read", "chat:write", "billing:read")


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token and what it says."""

    token: str
    claims: Claims


class TokenAuthority:
    """The one who signs tokens, and verifies them by the same rules."""

    def __init__(self, settings: AuthSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock

    def issue(self, token_type: TokenType, user_id: str, email: str, session: str) -> IssuedToken:
        """A fresh token, times exact to 1 ms; `session` is the login's family, ended by logout."""
        settings = self._settings
        life_s = (
            settings.access_lifetime_s if token_type == "access" else settings.refresh_lifetime_s
        )
        issued_at = round(self._clock.now(), 3)
        claims = {
            "iss": settings.issuer,
            "aud": settings.audience,
            "sub": user_id,
            "email": email,
            "permissions": list(PERMISSIONS),
            "iat": issued_at,
            "nbf": issued_at,
            "exp": round(issued_at + life_s, 3),
            "jti": secrets.token_hex(12),
            "token_type": token_type,
            "sid": session,
        }
        return IssuedToken(mint(claims, settings.jwt_secret), claims)

    def verify(self, token: str, token_type: TokenType) -> Claims:
        """The claims of a good token; raises `TokenRefused`. Revocation is not looked at."""
        settings = self._settings
        claims = verify(
            token,
            secret=settings.jwt_secret,
            issuer=settings.issuer,
            audience=settings.audience,
            token_type=token_type,
        )
        check_times(
            claims,
            self._clock.now(),
            start_leeway_s=settings.allowed_skew_s,
            end_leeway_s=settings.allowed_skew_s,
        )
        return claims


def mint(claims: Claims, secret: str, algorithm: str | None = ALGORITHM) -> str:
    """A token with exactly these claims; `algorithm=None` leaves it unsigned (`alg: none`)."""
    if algorithm is None:
        return jwt.encode(dict(claims), "", algorithm="none")
    return jwt.encode(dict(claims), secret, algorithm=algorithm)


def bad_tokens(good_token: str, secret: str) -> dict[str, str]:
    """Variants of a good access token, by what is wrong with each.

    Each is otherwise as good as the original: same user, and a `jti` of its own. (The sixth of
    the plan, a refresh token shown as an access token, is a real one from a login.)
    """
    original = dict(read_unverified(good_token))
    life_s = original["exp"] - original["iat"]

    def variant(**changes: Any) -> dict[str, Any]:
        return {**original, "jti": secrets.token_hex(12), **changes}

    # Over for as long as it lived, which is outside any allowed skew.
    past = original["iat"] - 2 * life_s
    without_jti = {name: value for name, value in original.items() if name != "jti"}
    return {
        "expired": mint(variant(iat=past, nbf=past, exp=past + life_s), secret),
        "wrong_audience": mint(variant(aud="another-product"), secret),
        "wrong_signature": mint(variant(), secrets.token_hex(32)),
        "alg_none": mint(variant(), secret, algorithm=None),
        "missing_jti": mint(without_jti, secret),
    }
