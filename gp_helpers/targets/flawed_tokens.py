"""Flawed variants of a token that can be made without knowing the secret it was signed with."""

from __future__ import annotations

import base64
import json
from typing import Any


def flawed_tokens(token: str) -> dict[str, str]:
    """Variants by what is wrong with each; every validator must refuse each of them."""
    flawed = {"one character changed": _changed(token, len(token) // 2), "cut short": token[:-4]}
    parts = token.split(".")
    header, claims = (_decoded(part) for part in parts[:2]) if len(parts) == 3 else (None, None)
    if header is None or claims is None:
        return {flaw: value for flaw, value in flawed.items() if value != token}
    more = dict(claims) | {"exp": int(claims["exp"]) + 86_400} if "exp" in claims else None
    flawed = {
        "wrong signature": f"{parts[0]}.{parts[1]}.{_changed(parts[2], 0)}",
        "alg none": f"{_encoded({**header, 'alg': 'none'})}.{parts[1]}.",
        "no signature": f"{parts[0]}.{parts[1]}.",
        **({"claims changed": f"{parts[0]}.{_encoded(more)}.{parts[2]}"} if more else {}),
    }
    return {flaw: value for flaw, value in flawed.items() if value != token}


def _changed(text: str, at: int) -> str:
    """The text with another character at a place."""
    if not text:
        return "x"
    other = "B" if text[at] != "B" else "C"
    return f"{text[:at]}{other}{text[at + 1 :]}"


def _decoded(part: str) -> dict[str, Any] | None:
    try:
        found = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _encoded(value: Any) -> str:
    text = json.dumps(value, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(text).decode().rstrip("=")
