"""The handshake: what a client offers, whose token it is, and which subprotocol is selected."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from starlette.websockets import WebSocket

from gp_helpers.platform.contract import SUBPROTOCOL, TOKEN_SUBPROTOCOL_PREFIX, Mode
from gp_helpers.platform.errors import AuthUnavailable, PlatformError, TokenRefused
from gp_helpers.platform.gateway.roles import Handshake
from gp_helpers.platform.seams import AuthFailureEdge, GatewayFallback, Identity, TokenValidator


@dataclass(frozen=True, slots=True)
class Offer:
    """What a client says in its opening handshake."""

    token: str
    """Empty where none was presented."""
    mode: Mode
    subprotocol: str | None


def read_offer(websocket: WebSocket) -> Offer:
    """Raises `PlatformError("unknown_mode")`.

    Of the offered subprotocols only `golden-path.v1` is ever selected: the one that carries the
    token must not be echoed (RFC 6455, section 4.2.2).
    """
    offered: list[str] = websocket.scope.get("subprotocols", [])
    return Offer(
        token=_token_in_header(websocket) or _token_in(offered),
        mode=_mode(websocket.query_params.get("mode", Mode.MAIN)),
        subprotocol=SUBPROTOCOL if SUBPROTOCOL in offered else None,
    )


class HandshakeIdentity:
    """Says whose token a handshake shows, or which error the client is told."""

    def __init__(
        self, validator: TokenValidator, fallback: GatewayFallback, edge: AuthFailureEdge
    ) -> None:
        self._validator = validator
        self._fallback = fallback
        self._edge = edge

    async def of(self, token: str) -> Identity:
        """Raises `PlatformError`."""
        try:
            if not token:
                raise TokenRefused("token_missing")
            return await self._validator.validate(token)
        except TokenRefused as refusal:
            return self._fallback.identity_for(refusal)
        except AuthUnavailable as failure:
            raise self._edge.translate(failure) from failure


class OwnSetup:
    """Sets each connection up from what its own handshake said."""

    def __init__(self, identities: HandshakeIdentity) -> None:
        self._identities = identities

    async def establish(self, websocket: WebSocket) -> Handshake:
        offer = read_offer(websocket)
        identity = await self._identities.of(offer.token)
        return Handshake(
            identity=identity,
            channel=identity.user_id,
            mode=offer.mode,
            subprotocol=offer.subprotocol,
            token=offer.token,
        )


def _token_in_header(websocket: WebSocket) -> str:
    scheme, _, token = websocket.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _token_in(subprotocols: list[str]) -> str:
    for subprotocol in subprotocols:
        if subprotocol.startswith(TOKEN_SUBPROTOCOL_PREFIX):
            encoded = subprotocol.removeprefix(TOKEN_SUBPROTOCOL_PREFIX)
            padding = "=" * (-len(encoded) % 4)
            try:
                return base64.b64decode(encoded + padding, b"-_", validate=True).decode("ascii")
            except (binascii.Error, ValueError) as error:
                raise TokenRefused("token_malformed") from error
    return ""


def _mode(name: str) -> Mode:
    try:
        return Mode(name)
    except ValueError as error:
        known = ", ".join(Mode)
        raise PlatformError("unknown_mode", f"mode must be one of {known}") from error
