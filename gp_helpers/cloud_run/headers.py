"""What the ingress adds to requests and takes from them; pure functions over header lists."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Sequence
from http.cookies import CookieError, SimpleCookie

from gp_helpers.cloud_run.rules import RULE

RawHeaders = list[tuple[bytes, bytes]]

AFFINITY_COOKIE = str(RULE["session_affinity_cookie"].values["name"])
_AFFINITY_MAX_AGE_S = int(RULE["session_affinity"].values["cookie_max_age_s"])


def header_value(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str | None:
    """Return the first value of the header, whose `name` is in lower case."""
    for key, value in headers:
        if key.lower() == name:
            return value.decode("latin-1")
    return None


def with_hop(headers: Sequence[tuple[bytes, bytes]], client_address: str) -> RawHeaders:
    """Return a request's headers as an instance receives them.

    ``X-Forwarded-For`` is extended by the client's address; ``X-Forwarded-Proto``, ``traceparent``
    (W3C Trace Context) and ``X-Correlation-ID`` pass through and are added where absent.
    """
    forwarded_for = header_value(headers, b"x-forwarded-for")
    chain = f"{forwarded_for}, {client_address}" if forwarded_for else client_address
    result = [(key, value) for key, value in headers if key.lower() != b"x-forwarded-for"]
    result.append((b"X-Forwarded-For", chain.encode("latin-1")))
    if header_value(headers, b"x-forwarded-proto") is None:
        result.append((b"X-Forwarded-Proto", b"http"))
    if header_value(headers, b"traceparent") is None:
        result.append((b"traceparent", _new_traceparent().encode()))
    if header_value(headers, b"x-correlation-id") is None:
        result.append((b"X-Correlation-ID", secrets.token_hex(8).encode()))
    return result


def _new_traceparent() -> str:
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def is_websocket(headers: Sequence[tuple[bytes, bytes]]) -> bool:
    """Return whether a request asks for a WebSocket (RFC 6455, section 4.1)."""
    return (header_value(headers, b"upgrade") or "").lower() == "websocket"


def affinity_of(headers: Sequence[tuple[bytes, bytes]]) -> str | None:
    """Return the instance that the request's affinity cookie names."""
    for key, value in headers:
        if key.lower() == b"cookie":
            try:
                cookies = SimpleCookie(value.decode("latin-1"))
            except CookieError:
                continue
            if AFFINITY_COOKIE in cookies:
                return cookies[AFFINITY_COOKIE].value
    return None


def affinity_cookie(instance_id: str) -> tuple[bytes, bytes]:
    """Return the header that binds a client to an instance."""
    cookie = f"{AFFINITY_COOKIE}={instance_id}; Path=/; Max-Age={_AFFINITY_MAX_AGE_S}; HttpOnly"
    return (b"Set-Cookie", cookie.encode("latin-1"))


def error_body(code: str, message: str, *, retryable: bool, correlation_id: str) -> bytes:
    """Return the body of an error that the ingress itself answers with."""
    error = {
        "code": code,
        "message": message,
        "retryable": retryable,
        "correlation_id": correlation_id,
    }
    return json.dumps({"error": error}).encode()
