"""Redaction at the moment of recording: what must not leave never enters.

A password never enters; a token becomes its fingerprint and its decoded claims; e-mail addresses of
a deployment become pseudonyms. Literal secrets are known by being registered, the others by shape.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import urllib.parse
from collections.abc import Mapping
from typing import Any

SECRET_HEADERS = frozenset(
    {
        "authorization",
        "proxy-authorization",
        "cookie",
        "set-cookie",
        "x-api-key",
        "x-service-secret",
        "x-golden-path-secret",
        "x-xsrf-token",
        "x-csrf-token",
    }
)
"""Headers whose whole value is a secret, in lower case."""

_SECRET_KEY = re.compile(
    r"(password|passwd|secret|api_?key|private_?key|credential|(^|_)token$|^jwt$|cookie|session_?id)",
    re.IGNORECASE,
)
_NOT_SECRET_KEY = re.compile(
    r"(token_type|_expires|expires_in|token_count|max_tokens)", re.IGNORECASE
)
_JWT = re.compile(r"\beyJ[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]{2,}\.[A-Za-z0-9_-]*")
_BASE64_JWT = re.compile(r"\bZXlK[A-Za-z0-9_-]{16,}={0,2}")
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}")
_URL_CREDENTIALS = re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)")
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_MIN_LITERAL = 6


def fingerprint(token: str) -> str:
    """Twelve hexadecimal digits of the token's SHA-256: enough to tell tokens apart."""
    return hashlib.sha256(token.encode()).hexdigest()[:12]


def decoded_claims(token: str) -> dict[str, Any] | None:
    """Header and claims of a JWT, unverified; None if it is not one."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        header, claims = (
            json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
            for part in parts[:2]
        )
    except ValueError:
        return None
    return {"header": header, "claims": claims}


def _kind(shown: str) -> str:
    return shown.strip("‹›").split(" ")[0]


class Redactor:
    """Takes secrets out of whatever is about to be recorded, shown or logged.

    ``pseudonymise``: e-mail addresses become ``person-N@example.invalid``, the same address always
    the same one.
    """

    def __init__(self, *, pseudonymise: bool = False) -> None:
        self._literals: dict[str, str] = {}
        self._pseudonyms: dict[str, str] = {}
        self._pseudonymise = pseudonymise
        self.counts: dict[str, int] = {}
        """How often each kind of secret was taken out."""

    def register(self, secret: str, kind: str) -> None:
        """Make a literal secret known, with the encodings in which it may turn up."""
        if len(secret) < _MIN_LITERAL:
            return
        shown = f"‹{kind}›" if kind == "password" else f"‹{kind} {fingerprint(secret)}›"
        raw = secret.encode()
        for form in (
            secret,
            urllib.parse.quote(secret, safe=""),
            urllib.parse.quote_plus(secret),
            json.dumps(secret)[1:-1],
            base64.b64encode(raw).decode().rstrip("="),
            base64.urlsafe_b64encode(raw).decode().rstrip("="),
        ):
            self._literals.setdefault(form, shown)
        # The longest first, so that a secret within a secret leaves nothing of the outer one.
        self._literals = dict(sorted(self._literals.items(), key=lambda item: -len(item[0])))

    def text(self, value: str) -> str:
        """A text without secrets."""
        for form, shown in self._literals.items():
            if form in value:
                found = value.count(form)
                value = value.replace(form, shown)
                self.counts[_kind(shown)] = self.counts.get(_kind(shown), 0) + found
        value = _JWT.sub(lambda match: self._token(match[0]), value)
        value = _BASE64_JWT.sub(lambda _: self._count("token", "‹token, encoded›"), value)
        value = _BEARER.sub(
            lambda match: self._count("credentials", f"{match[1]} ‹credentials›"), value
        )
        value = _URL_CREDENTIALS.sub(lambda _: self._count("credentials", "‹credentials›"), value)
        if self._pseudonymise:
            value = _EMAIL.sub(lambda match: self._pseudonym(match[0]), value)
        return value

    def value(self, value: Any) -> Any:
        """A JSON value without secrets; keys that name a secret lose their text."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {
                self.text(str(key)): self._member(str(key), inner) for key, inner in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.value(inner) for inner in value]
        if value is None or isinstance(value, bool | int | float):
            return value
        return self.text(str(value))

    def headers(self, headers: list[tuple[str, str]]) -> list[list[str]]:
        """Header fields in order; a secret header keeps its name and the scheme of its value."""
        return [[name, self._header(name, value)] for name, value in headers]

    def _header(self, name: str, value: str) -> str:
        redacted = self.text(value)
        if name.lower() in SECRET_HEADERS and "‹" not in redacted:
            return self._count("header", f"‹{name.lower()}›")
        return redacted

    def _member(self, key: str, value: Any) -> Any:
        if (
            isinstance(value, str)
            and value
            and _SECRET_KEY.search(key)
            and not _NOT_SECRET_KEY.search(key)
        ):
            redacted = self.text(value)
            if "‹" in redacted or re.fullmatch(r"[0-9a-f]{12}", value):
                return redacted
            return self._count("member", f"‹{key}›")
        return self.value(value)

    def _token(self, token: str) -> str:
        return self._count("token", f"‹token {fingerprint(token)}›")

    def _pseudonym(self, address: str) -> str:
        number = len(self._pseudonyms) + 1
        shown = self._pseudonyms.setdefault(address, f"person-{number}@example.invalid")
        return self._count("e-mail", shown)

    def _count(self, kind: str, shown: str) -> str:
        self.counts[kind] = self.counts.get(kind, 0) + 1
        return shown
