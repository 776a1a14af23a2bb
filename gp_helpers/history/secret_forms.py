"""The forms in which a known secret may turn up, and the shapes that give an unknown one away."""

from __future__ import annotations

import base64
import html
import json
import math
import re
import urllib.parse
from collections.abc import Callable, Collection, Iterator
from functools import lru_cache

PUBLIC_OF_AN_ACCOUNT = frozenset(
    {"email", "id", "label", "locale", "name", "role", "tenant", "user_id", "username"}
)
"""Members of a stated account that say who somebody is."""
SECRET_HEADERS = frozenset(
    {
        "authorization",
        "proxy-authorization",
        "cookie",
        "set-cookie",
        "api-key",
        "x-api-key",
        "x-auth-token",
        "x-access-token",
        "x-amz-security-token",
        "x-goog-iap-jwt-assertion",
        "x-service-secret",
        "x-golden-path-secret",
        "x-xsrf-token",
        "x-csrf-token",
    }
)
"""Headers whose whole value is a secret, in lower case."""

_SECRET_KEY = re.compile(
    r"password|passwd|passphrase|(^|[_-])pwd$|secret|(api|private|access|signing)[_-]?key"
    r"|credential|token$|^jwt$|cookie|session[_-]?id$|^bearer$|^assertion$"
    r"|^(pass|passcode|pin|otp|access[_-]?code|client[_-]?key|sid)$",
    re.IGNORECASE,
)
_NOT_SECRET_KEY = re.compile(
    r"token_type|_expires|expires_in|token_count|max_tokens", re.IGNORECASE
)
SECRET_WORDS = (
    *("passw", "passphrase", "pwd", "secret", "key", "credential", "token", "jwt", "cookie"),
    *("session", "bearer", "assertion", "authorization"),
)
"""A text without any of these names no secret."""
SCHEMES = ("bearer", "basic", "token", "digest", "negotiate")
_LOOKALIKES = (("\u0130", "i"), ("\u0131", "i"), ("\u017f", "s"), ("\u212a", "k"))
"""Letters that an expression takes for these where case does not count."""


def folded(text: str) -> str:
    """A text in which a word in lower case is found wherever an expression would, case ignored.

    To look for words in it takes a tenth of the time, or less, than such an expression.
    """
    if not text.isascii():
        for letter, alike in _LOOKALIKES:
            text = text.replace(letter, alike)
    return text.lower()


def has_any(folded_text: str, words: Collection[str]) -> bool:
    """Whether any of these words, in lower case, is in a folded text."""
    return any(map(folded_text.__contains__, words))


JWT = re.compile(
    r"e(?:yJ|yA|wo|w0|wk)[A-Za-z0-9_-]{4,}={0,2}\.[A-Za-z0-9_-]{2,}={0,2}\.[A-Za-z0-9_-]*"
    r"(?:\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)?"
)
"""JWS (three parts) and JWE (five); the first begins with an opening brace, encoded."""
_DOTTED = re.compile(r"[A-Za-z0-9_=.-]{12,}+")
_OPENING_BRACE = re.compile(r"e(?:yJ|yA|wo|w0|wk)")
BASE64_JWT = re.compile(r"ZXlK[A-Za-z0-9_-]{16,}={0,2}")
CREDENTIALS = re.compile(rf"(?i)(?<!‹)\b({'|'.join(SCHEMES)})[ ]+([A-Za-z0-9._~+/=-]{{8,}})")
URL_CREDENTIALS = re.compile(r"(?<=://)[^/\s@?#‹›\"'<>]+(?=@)")
PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL
)
VENDOR_KEY = re.compile(
    r"\b(?:sk-[A-Za-z0-9_-]{16,}|AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{20,}"
    r"|xox[abprs]-[A-Za-z0-9-]{10,}|AIza[A-Za-z0-9_-]{35})"
)
VENDOR_KEY_STARTS = ("sk-", "AKIA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "xox", "AIza")
_TOKEN_STARTS = ("eyJ", "eyA", "ewo", "ew0", "ewk")
EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]+(?:@|%40)[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"
)

HEADER_IN_TEXT = re.compile(
    rf"(?i)\b({'|'.join(sorted(SECRET_HEADERS, key=len, reverse=True))})"
    r"(\\*[\"']?\s*[:=]\s*b?\\*[\"']?|\\*[\"']\s*,\s*b?\\*[\"'])([^\r\n\"'\\]+)"
)
"""A secret header in a text: a log line, a repr, a pair in a list."""
ASSIGNED_IN_TEXT = re.compile(
    r"(?P<key>(?:passw(?:or)?d|passphrase|pwd|secret|(?:api|private|access|signing)[_-]?key"
    r"|credential|token|jwt|cookie|session[_-]?id|authorization|bearer|assertion)[\w-]{0,20})"
    r"(?P<between>\\*[\"']?\s*(?P<sign>=|:|%3D)\s*)"
    r"(?:(?P<quote>b?\\*[\"'])(?P<quoted>.*?)(?P=quote)|(?P<bare>‹[^‹›]*›|[^\s&;,\"'<>(){}\[\]\\]+))",
    re.IGNORECASE,
)
"""``key=value``, ``key: value``, ``"key": "value"`` in a text."""


def private_keys_in(text: str) -> Iterator[int]:
    """Where private keys begin."""
    if "-----BEGIN" in text:
        for key in PRIVATE_KEY.finditer(text):
            yield key.start()


def vendor_keys_in(text: str) -> Iterator[int]:
    """Where the keys of well-known vendors begin; not in order.

    The places of their beginnings are found first, many times quicker than by the expression.
    """
    for beginning in VENDOR_KEY_STARTS:
        at = text.find(beginning)
        while at != -1:
            if VENDOR_KEY.match(text, at):
                yield at
            at = text.find(beginning, at + 1)


def with_tokens_replaced(text: str, replaced: Callable[[re.Match[str]], str]) -> str:
    """What ``JWT.sub(replaced, text)`` gives, in time that grows with the text and not its square.

    The plain expression begins anew at each of the many places where a token might begin; of those
    in one part between dots only the first can be followed by the dot.
    """
    if not any(beginning in text for beginning in _TOKEN_STARTS):
        return text
    return _DOTTED.sub(lambda run: _replaced_in_run(run[0], replaced), text)


def tokens_in(text: str) -> Iterator[tuple[int, str]]:
    """Place and text of what ``JWT.finditer(text)`` finds, likewise."""
    if any(beginning in text for beginning in _TOKEN_STARTS):
        for run in _DOTTED.finditer(text):
            for token in _in_run(run[0]):
                yield run.start() + token.start(), token[0]


def _replaced_in_run(run: str, replaced: Callable[[re.Match[str]], str]) -> str:
    done: list[str] = []
    at = 0
    for token in _in_run(run):
        done += (run[at : token.start()], replaced(token))
        at = token.end()
    return "".join([*done, run[at:]])


def _in_run(run: str) -> Iterator[re.Match[str]]:
    at = 0
    while (dot := run.find(".", at)) != -1:
        # An equals sign ends what a first part can hold, but for the padding before the dot.
        begins = run.rfind("=", at, at + len(run[at:dot].rstrip("="))) + 1 or at
        opening = _OPENING_BRACE.search(run, begins, dot)
        token = JWT.match(run, opening.start()) if opening is not None else None
        if token is None:
            at = dot + 1
        else:
            yield token
            at = token.end()


@lru_cache(maxsize=4096)
def names_a_secret(key: str) -> bool:
    """Whether what stands under this key is a secret, by the key's name."""
    if key.lower() in SECRET_HEADERS:
        return True
    return bool(_SECRET_KEY.search(key)) and not _NOT_SECRET_KEY.search(key)


def looks_like_a_value(text: str) -> bool:
    """Whether a bare word after ``key:`` is a secret and not prose: ``token: refused`` is prose."""
    return len(text) >= 6 and any(c.isdigit() for c in text) and not text.startswith("//")


def is_json_web_token(text: str) -> bool:
    """Whether the first part of something dotted is the encoding of an object."""
    first = text.split(".", 1)[0].rstrip("=")
    try:
        return isinstance(
            json.loads(base64.urlsafe_b64decode(first + "=" * (-len(first) % 4))), dict
        )
    except ValueError:
        return False


def encodings(secret: str) -> set[str]:
    """The forms in which a literal secret may turn up, itself included."""
    raw = secret.encode("utf-8", "surrogatepass")
    quoted = urllib.parse.quote(secret, safe="", errors="replace")
    forms = {
        secret,
        quoted,
        quoted.lower() if "%" in quoted else quoted,
        re.sub(r"%[0-9A-F]{2}", lambda match: match[0].lower(), quoted),
        urllib.parse.quote_plus(secret, errors="replace"),
        urllib.parse.quote(quoted, safe=""),
        urllib.parse.quote(secret, errors="replace"),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        json.dumps(json.dumps(secret)[1:-1])[1:-1],
        json.dumps(json.dumps(json.dumps(secret)[1:-1])[1:-1])[1:-1],
        json.dumps(html.escape(secret))[1:-1],
        repr(secret)[1:-1],
        repr(raw)[2:-1],
        html.escape(secret),
        html.escape(secret, quote=False),
        raw.hex(),
        raw.hex().upper(),
    }
    for shift in range(3):
        core = _base64_core(raw, shift)
        if len(core) >= 8:
            forms |= {core, core.replace("+", "-").replace("/", "_")}
    return forms


def _base64_core(raw: bytes, shift: int) -> str:
    """What base64 makes of these bytes wherever ``shift`` bytes (modulo 3) stand before them."""
    encoded = base64.b64encode(b"\0" * shift + raw).decode()
    return encoded[math.ceil(shift * 8 / 6) : (shift + len(raw)) * 8 // 6]
