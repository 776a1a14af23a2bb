"""How the backend finds out whose token it was shown: the chain, and its remediated links."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import anyio

from gp_helpers.platform.clock import Clock
from gp_helpers.platform.contract import ERRORS
from gp_helpers.platform.errors import AuthUnavailable, PlatformError, TokenRefused
from gp_helpers.platform.jwt_rules import check_times, read_unverified
from gp_helpers.platform.seams import (
    AuthClient,
    Identity,
    IdentityCache,
    RefusalCache,
    Reply,
    ReplyReader,
    TokenTimeRules,
    TokenValidator,
)
from gp_helpers.platform.settings import BackendSettings


class ChainedValidator:
    """Remembered refusal → times on our clock → the auth service → an identity."""

    def __init__(
        self,
        *,
        time_rules: TokenTimeRules,
        refusal_cache: RefusalCache,
        identity_cache: IdentityCache,
        auth_client: AuthClient,
        reply_reader: ReplyReader,
    ) -> None:
        self._time_rules = time_rules
        self._refusal_cache = refusal_cache
        self._identity_cache = identity_cache
        self._auth_client = auth_client
        self._reply_reader = reply_reader

    async def validate(self, token: str) -> Identity:
        remembered = self._refusal_cache.recall(token)
        if remembered is not None:
            raise remembered
        try:
            self._time_rules.check(read_unverified(token))
            reply = await self._identity_cache.reply_for(
                token, lambda: self._auth_client.ask(token)
            )
            return self._reply_reader.read(reply)
        except TokenRefused as refusal:
            self._refusal_cache.remember(token, refusal)
            raise


class LenientTimeRules:
    """Allows for the skew between two clocks at both ends of a token's life."""

    def __init__(self, settings: BackendSettings, clock: Clock) -> None:
        self._skew_s = settings.allowed_skew_s
        self._clock = clock

    def check(self, claims: Mapping[str, Any]) -> None:
        check_times(
            claims, self._clock.now(), start_leeway_s=self._skew_s, end_leeway_s=self._skew_s
        )


class NoRefusalCache:
    """Remembers nothing: what was refused a second ago may be valid by now."""

    def __init__(self, _clock: Clock) -> None:
        pass

    def recall(self, _token: str) -> TokenRefused | None:
        return None

    def remember(self, _token: str, _refusal: TokenRefused) -> None:
        pass


class _Flight:
    def __init__(self) -> None:
        self.landed = anyio.Event()
        self.reply: Reply | None = None
        self.failure: AuthUnavailable | None = None


class SingleFlight:
    """Lets requests that show the same token at once share one question, and forgets it after."""

    def __init__(self, _clock: Clock) -> None:
        self._flights: dict[bytes, _Flight] = {}

    async def reply_for(self, token: str, ask: Callable[[], Awaitable[Reply]]) -> Reply:
        key = hashlib.sha256(token.encode()).digest()
        while (flight := self._flights.get(key)) is not None:
            await flight.landed.wait()
            if flight.reply is not None:
                return flight.reply
            if flight.failure is not None:
                raise flight.failure
            # Whoever asked was cancelled; somebody else has to.
        flight = self._flights[key] = _Flight()
        try:
            flight.reply = await ask()
        except AuthUnavailable as failure:
            flight.failure = failure
            raise
        finally:
            del self._flights[key]
            flight.landed.set()
        return flight.reply


class FlatReplyReader:
    """Reads the reply in the shape that the contract gives it."""

    def read(self, reply: Reply) -> Identity:
        if not reply["valid"]:
            raise TokenRefused(refusal_code(reply))
        try:
            return Identity(
                user_id=reply["user_id"],
                email=reply["email"],
                permissions=tuple(reply["permissions"]),
                expires_at=float(reply["expires_at"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise AuthUnavailable("The auth service's answer names no user.") from error


def refusal_code(reply: Reply) -> str:
    """The reason that a negative reply gives, where it is one that we know."""
    error = reply.get("error")
    code = error.get("code") if isinstance(error, Mapping) else None
    known = isinstance(code, str) and code in ERRORS and ERRORS[code].status == 401
    return str(code) if known else "invalid_token"


class SharedValidator:
    """The gateway's validator: the same chain that REST uses."""

    def __init__(self, chain: TokenValidator, _settings: BackendSettings, _clock: Clock) -> None:
        self._chain = chain

    async def validate(self, token: str) -> Identity:
        return await self._chain.validate(token)


class RefuseHandshake:
    """Nobody connects without an identity of their own."""

    def identity_for(self, refusal: TokenRefused) -> Identity:
        raise refusal


class HonestFailureEdge:
    """Says what is true: try again later (503 with `Retry-After`)."""

    def translate(self, failure: AuthUnavailable) -> PlatformError:
        return failure
