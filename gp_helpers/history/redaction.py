"""Redaction at the moment of recording: what must not leave never enters.

A password never enters; a token becomes its fingerprint and its decoded claims; e-mail addresses of
a deployment become pseudonyms. Literal secrets are known by being registered, the others by the
name that they stand under and by their shape.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from gp_helpers.history.secret_forms import (
    ASSIGNED_IN_TEXT,
    BASE64_JWT,
    CREDENTIALS,
    EMAIL,
    HEADER_IN_TEXT,
    PRIVATE_KEY,
    SCHEMES,
    SECRET_HEADERS,
    SECRET_WORDS,
    URL_CREDENTIALS,
    VENDOR_KEY,
    VENDOR_KEY_STARTS,
    encodings,
    folded,
    has_any,
    is_json_web_token,
    looks_like_a_value,
    names_a_secret,
    with_tokens_replaced,
)

_SHORTEST = 6
"""Shorter literals are not looked for in texts: they would be found everywhere."""
_SHORT = 200
"""Texts up to this length are remembered when nothing was found in them."""
_MOST_REMEMBERED = 20_000
_LONG = 10_000
"""In longer texts each literal is looked for, to hold no set as large as the text; so it is where
they are fewer than its characters."""
_DEEPEST_ASSIGNMENT = 10
"""An assignment inside that many others is hidden as a whole."""
ACCOUNT = "account"
"""The kind of what an account holds and whose meaning its name does not tell."""
_FINGERPRINT = re.compile(r"[0-9a-f]{12}")
_MARKERS = re.compile(r"(?:[A-Za-z]+ )?(‹[^‹›]*›)")
_MEMBERS_OF_A_SECRET = frozenset(
    {"alg", "aud", "email", "id", "iss", "kid", "name", "scope", "sub", "typ", "type", "user_id"}
)
"""Under the name of a secret these say what kind it is and whose; any other text is the secret."""


def fingerprint(token: str) -> str:
    """Twelve hexadecimal digits of the token's SHA-256: enough to tell tokens apart."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()[:12]


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


class Redactor:
    """Takes secrets out of whatever is about to be recorded, shown or logged.

    ``pseudonymise``: e-mail addresses become ``person-N@example.invalid``, the same address always
    the same one. ``also``: another redactor, which learns each secret, too.
    """

    def __init__(self, *, pseudonymise: bool = False, also: Redactor | None = None) -> None:
        self._also = also
        self._literals: dict[str, str] = {}
        self._secrets: set[str] = set()
        self._anchors: dict[str, list[str]] = {}
        self._issued: set[str] = set()
        self._accounts = 0
        self._clean: set[str] = set()
        """Short texts in which nothing was found: names and values that come again and again."""
        self._pseudonyms: dict[str, str] = {}
        self._pseudonymise = pseudonymise
        self.counts: dict[str, int] = {}
        """How often each kind of secret was taken out."""
        self.unseen: list[str] = []
        """Exchanges that may have issued a secret which never came here, so is not known."""

    @property
    def secrets(self) -> frozenset[str]:
        """The literal secrets that were registered: to look for, never to write."""
        return frozenset(self._secrets)

    def register(self, secret: str, kind: str) -> None:
        """Make a literal secret known, with the encodings in which it may turn up."""
        if len(secret) < _SHORTEST or secret in self._literals:
            return
        if self._also is not None:
            self._also.register(secret, kind)
        self._secrets.add(secret)
        self._clean.clear()
        shown = f"‹{kind} {fingerprint(secret)}›"
        if kind == "password":
            shown = "‹password›"
        elif kind == ACCOUNT:
            # It may be a password, which a fingerprint would let one guess; people stay apart.
            self._accounts += 1
            shown = f"‹{ACCOUNT}, {self._accounts}›"
        for form in encodings(secret):
            if form not in self._literals:
                self._literals[form] = shown
                self._anchors.setdefault(form[:_SHORTEST], []).append(form)

    def entry(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """The data of a history entry without secrets.

        Its own member ``token`` may hold a fingerprint; further inside, what looks like one may be
        somebody's password.
        """
        clean: dict[str, Any] = self.value(data)
        token = data.get("token")
        if isinstance(token, str) and _FINGERPRINT.fullmatch(token):
            clean["token"] = token
        return clean

    def text(self, value: str) -> str:
        """A text without secrets."""
        if value in self._clean:
            return value
        found = sum(self.counts.values())
        shown = self._searched(value)
        if len(value) <= _SHORT and found == sum(self.counts.values()):
            if len(self._clean) >= _MOST_REMEMBERED:
                self._clean.clear()
            self._clean.add(value)
        return shown

    def beginning(self, value: str, most: int) -> str:
        """So many characters of a text without secrets, taken out while each is still whole."""
        return self.text(value)[:most]

    def binary(self, data: bytes, most: int) -> str:
        """The beginning of binary data in hexadecimal; its length alone if a secret is in it."""
        text = data.decode("latin-1")
        if self.text(text) != text or self.text(data.hex()) != data.hex():
            return f"‹withheld: {len(data)} bytes that hold a secret›"
        return data[: most // 2].hex()

    def _searched(self, value: str) -> str:
        value = self.without_literals(value)
        if len(value) < _SHORTEST:
            return value
        if "-----BEGIN" in value:
            value = PRIVATE_KEY.sub(lambda _: self._shown("key", "‹private key›"), value)
        value = with_tokens_replaced(value, self._token)
        if "ZXlK" in value:
            value = BASE64_JWT.sub(lambda _: self._shown("token", "‹token, encoded›"), value)
        if any(beginning in value for beginning in VENDOR_KEY_STARTS):
            value = VENDOR_KEY.sub(lambda _: self._shown("key", "‹key›"), value)
        words = folded(value)
        names_secrets = has_any(words, SECRET_WORDS)
        if names_secrets and has_any(words, SECRET_HEADERS):
            value = HEADER_IN_TEXT.sub(self._header_in_text, value)
        if has_any(words, SCHEMES):
            value = CREDENTIALS.sub(self._credentials, value)
        if names_secrets:
            value = ASSIGNED_IN_TEXT.sub(self._assigned_in_text, value)
        if "://" in value:
            value = URL_CREDENTIALS.sub(
                lambda _: self._shown("credentials", "‹credentials›"), value
            )
        if self._pseudonymise:
            value = EMAIL.sub(self._pseudonym, value)
        return value

    def value(self, value: Any) -> Any:
        """A JSON value without secrets; what stands under the name of a secret loses its text."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {
                self.text(str(key)): self._hidden(str(key), inner)
                if names_a_secret(str(key))
                else self.value(inner)
                for key, inner in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.value(inner) for inner in value]
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float):
            return self._literals.get(str(value), value)
        return self.text(str(value))

    def headers(self, headers: list[tuple[str, str]]) -> list[list[str]]:
        """Header fields in order; a secret header keeps its name and the scheme of its value."""
        return [[name, self._header(name, value)] for name, value in headers]

    def _hidden(self, key: str, value: Any) -> Any:
        """What stands under the name of a secret."""
        if value is None or isinstance(value, bool) or value == "":
            return value
        if isinstance(value, Mapping):
            return {
                self.text(str(inner)): self.value(member)
                if str(inner) in _MEMBERS_OF_A_SECRET
                else self._hidden(str(inner), member)
                for inner, member in value.items()
            }
        if isinstance(value, list | tuple):
            return [self._hidden(key, inner) for inner in value]
        redacted = self.text(str(value))
        if self._is_ours(redacted):
            return redacted
        return self._shown("member", f"‹{key}›")

    def _header(self, name: str, value: str) -> str:
        redacted = self.text(value)
        if not names_a_secret(name) or not value or self._is_ours(redacted):
            return redacted
        return self._shown("header", f"‹{name.lower()}›")

    def _is_ours(self, text: str) -> bool:
        """Whether a text is nothing but what this redactor put in the place of a secret."""
        match = _MARKERS.fullmatch(text)
        return match is not None and match[1] in self._issued

    def without_literals(self, value: str) -> str:
        """A text without the secrets that were registered, whatever else in it looks like one."""
        if not self._anchors or len(value) < _SHORTEST:
            return value
        anchors: Iterable[str]
        if len(value) > min(len(self._anchors), _LONG):
            anchors = [anchor for anchor in self._anchors if anchor in value]
        else:
            anchors = self._anchors.keys() & {
                value[at : at + _SHORTEST] for at in range(len(value) - _SHORTEST + 1)
            }
        found = {form for anchor in anchors for form in self._anchors[anchor] if form in value}
        if not found:
            return value
        if len(found) == 1:
            # As most often: no expression has to be compiled for it.
            [form] = found
            before, *others = value.split(form)
            return "".join([before, *(self._literal(form) + other for other in others)])
        longest_first = sorted(found, key=len, reverse=True)
        return re.sub(
            "|".join(map(re.escape, longest_first)), lambda match: self._literal(match[0]), value
        )

    def _literal(self, form: str) -> str:
        shown = self._literals[form]
        return self._shown(shown.strip("‹›").split(" ")[0].rstrip(","), shown)

    def _token(self, match: re.Match[str]) -> str:
        if not is_json_web_token(match[0]):
            return match[0]
        return self._shown("token", f"‹token {fingerprint(match[0])}›")

    def _credentials(self, match: re.Match[str]) -> str:
        if match[1].lower() == "token" and not looks_like_a_value(match[2]):
            return match[0]
        return f"{match[1]} {self._shown('credentials', '‹credentials›')}"

    def _header_in_text(self, match: re.Match[str]) -> str:
        value = match[3].rstrip()
        if self._is_ours(value):
            return match[0]
        return f"{match[1]}{match[2]}{self._shown('header', f'‹{match[1].lower()}›')}"

    def _assigned_in_text(self, match: re.Match[str], depth: int = 0) -> str:
        key = match["key"]
        is_quoted = match["quote"] is not None
        value = match["quoted"] if is_quoted else match["bare"]
        if not names_a_secret(key) and depth < _DEEPEST_ASSIGNMENT:
            start = match.start("quoted" if is_quoted else "bare") - match.start()
            deeper = partial(self._assigned_in_text, depth=depth + 1)
            return match[0][:start] + ASSIGNED_IN_TEXT.sub(deeper, match[0][start:])
        if not value or self._is_ours(value):
            return match[0]
        if match["sign"] == ":" and not is_quoted and not looks_like_a_value(value):
            return match[0]
        quote = match["quote"] or ""
        return f"{key}{match['between']}{quote}{self._shown('member', f'‹{key}›')}{quote}"

    def _pseudonym(self, match: re.Match[str]) -> str:
        address = match[0].replace("%40", "@").lower()
        if address.endswith("@example.invalid"):
            return match[0]
        number = len(self._pseudonyms) + 1
        shown = self._pseudonyms.setdefault(address, f"person-{number}@example.invalid")
        return self._shown("e-mail", shown)

    def _shown(self, kind: str, shown: str) -> str:
        self.counts[kind] = self.counts.get(kind, 0) + 1
        self._issued.add(shown)
        return shown
