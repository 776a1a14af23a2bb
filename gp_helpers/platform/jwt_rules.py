"""The rules for tokens that every validator shares: reading, verifying and times.

Times are checked against the service's own clock and not by PyJWT, which knows only the
machine's. Claims follow RFC 7519; `token_type` and `sid` (the login's refresh family) are ours.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final, Literal

import jwt

from gp_helpers.platform.errors import TokenRefused

ALGORITHM: Final = "HS256"
REQUIRED_CLAIMS: Final = ("iss", "aud", "sub", "iat", "nbf", "exp", "jti", "token_type")

Claims = Mapping[str, Any]
TokenType = Literal["access", "refresh"]


def read_unverified(token: str) -> Claims:
    """The claims as written, nothing checked; raises `TokenRefused("token_malformed")`."""
    try:
        claims: Claims = jwt.decode(token, options={"verify_signature": False})
    except jwt.InvalidTokenError as error:
        raise TokenRefused("token_malformed") from error
    return claims


def verify(token: str, *, secret: str, issuer: str, audience: str, token_type: TokenType) -> Claims:
    """The claims of a token that is well-formed, signed and meant for us; times are not checked.

    Raises `TokenRefused` with the code that says what is wrong.
    """
    try:
        claims: Claims = jwt.decode(
            token,
            secret,
            algorithms=[ALGORITHM],
            audience=audience,
            issuer=issuer,
            options={
                "require": list(REQUIRED_CLAIMS),
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
    except jwt.InvalidTokenError as error:
        raise TokenRefused(_code_of(error)) from error
    if claims["token_type"] != token_type:
        raise TokenRefused("token_type")
    return claims


def check_times(claims: Claims, now: float, *, start_leeway_s: float, end_leeway_s: float) -> None:
    """Raise `TokenRefused` when `now` is outside `iat`/`nbf` … `exp`, each with its leeway."""
    issued_at, not_before, expires_at = (_time(claims, name) for name in ("iat", "nbf", "exp"))
    if max(issued_at, not_before) > now + start_leeway_s:
        raise TokenRefused("token_not_yet_valid")
    if now >= expires_at + end_leeway_s:
        raise TokenRefused("token_expired")


def _time(claims: Claims, name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TokenRefused("token_claims", f"The token's {name} is not a time.")
    return float(value)


def _code_of(error: jwt.InvalidTokenError) -> str:
    match error:
        case jwt.InvalidSignatureError() | jwt.InvalidAlgorithmError():
            return "token_signature"
        case jwt.InvalidAudienceError():
            return "token_audience"
        case jwt.InvalidIssuerError():
            return "token_issuer"
        case jwt.MissingRequiredClaimError():
            return "token_claims"
        case jwt.DecodeError():
            return "token_malformed"
        case _:
            return "token_claims"
