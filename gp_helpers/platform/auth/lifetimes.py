"""How long a token lives, as it is told to the one who gets it."""

from __future__ import annotations

from gp_helpers.platform.jwt_rules import Claims
from gp_helpers.platform.settings import AuthSettings


class ActualLifetime:
    """Tells the life that the token itself states."""

    def __init__(self, _settings: AuthSettings) -> None:
        pass

    def expires_in(self, claims: Claims) -> int:
        return int(claims["exp"] - claims["iat"])
