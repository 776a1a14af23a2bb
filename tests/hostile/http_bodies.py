"""Well-formed HTTP with bodies that are not what was asked for: log-ins, tokens and validators."""

from __future__ import annotations

import gzip
import json
import zlib
from functools import partial
from typing import Any

from tests.hostile.server import Behaviour, Stage, Visit

CASE = "auth.validation_cascade"
SOCKET_CASE = "websocket.event_manager_init"
GOOD = "a-token-that-looks-good"


def compressed_zeros(megabytes: int) -> bytes:
    """So many megabytes of zeros as a bare deflate stream, made in no time: one block, repeated."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = deflate.compress(bytes(1_000_000)) + deflate.flush(zlib.Z_FULL_FLUSH)
    return block * megabytes


GZIP_HEAD = b"\x1f\x8b\x08" + bytes(6) + b"\xff"


async def answer(body: Any, visit: Visit, **more: Any) -> None:
    """One response, whoever asks."""
    await visit.answer(body, **more)


async def bomb(visit: Visit, *, layers: int) -> None:
    """A small body that is a gigabyte when it is decompressed."""
    body = GZIP_HEAD + compressed_zeros(1000)
    for _ in range(layers - 1):
        body = gzip.compress(body)
    await visit.answer(body, more=f"Content-Encoding: {', '.join(['gzip'] * layers)}\r\n")


def token(value: Any, **more: Any) -> dict[str, Any]:
    """A log-in's body with this token."""
    return {"access_token": value, "expires_in": 300, "user": {"id": "user-1"}, **more}


async def stranger(visit: Visit) -> None:
    """A validator that takes everybody for somebody else."""
    good = json.loads(visit.body).get("token", "").startswith("token-")
    await visit.answer({"valid": good, "user_id": "somebody-else"})


def _login(name: str, body: Any, *, case: str = CASE, **more: Any) -> Behaviour:
    return Behaviour(name, Stage.LOGIN, partial(answer, body, **more), case)


def _validate(name: str, act: Any) -> Behaviour:
    return Behaviour(name, Stage.VALIDATE, act, CASE)


def _nested(depth: int) -> bytes:
    return b'{"access_token": ' + b"[" * depth + b"]" * depth + b"}"


BEHAVIOURS = (
    _login("login_is_html", b"<html>Log in here</html>", content_type="text/html"),
    _login("login_is_empty", b""),
    _login("login_is_no_json", b"{access_token: oops"),
    _login("login_is_invalid_utf8", b'{"access_token": "\xff\xfe\xc3\x28"}'),
    _login("login_is_utf16_said_to_be_utf8", json.dumps(token(GOOD)).encode("utf-16")),
    _login(
        "login_charset_is_no_text_encoding",
        token(GOOD),
        content_type="application/json; charset=hex",
    ),
    _login("login_charset_is_idna", token("ü" * 70), content_type="text/plain; charset=idna"),
    _login("login_is_a_list", [token(GOOD)]),
    _login("login_is_a_number", b"1e999"),
    _login("login_is_a_number_of_5000_digits", b"9" * 5000),
    _login("login_is_nested_100000_deep", _nested(100_000)),
    _login("login_is_nested_900_deep", _nested(900)),
    _login("login_is_nested_400_deep", _nested(400)),
    _login("login_says_500", {"error": {"code": "internal"}}, status="500 Internal Server Error"),
    _login("login_says_204", b"", status="204 No Content"),
    _login("login_is_not_gzip_though_it_says_so", token(GOOD), more="Content-Encoding: gzip\r\n"),
    _login("login_has_an_unknown_coding", token(GOOD), more="Content-Encoding: zap\r\n"),
    _login("login_sets_nonsense_cookies", [], more="Set-Cookie: =;;\r\nSet-Cookie: \xff=\xfe\r\n"),
    Behaviour("login_is_a_gzip_bomb", Stage.LOGIN, partial(bomb, layers=1), CASE, True),
    Behaviour("login_is_a_gzip_bomb_in_a_bomb", Stage.LOGIN, partial(bomb, layers=2), CASE, True),
    _login("token_is_a_number", token(12345)),
    _login("token_is_a_list", token(["a", "b"])),
    _login("token_is_an_object", token({"a": 1})),
    _login("token_is_null", token(None)),
    _login("token_is_empty", token("")),
    _login("token_is_made_up", token(GOOD)),
    _login("token_ends_the_header", token("abc\r\nX-Injected: yes")),
    _login("token_ends_the_header_of_the_socket", token("abc\r\nX-Injected: 1"), case=SOCKET_CASE),
    _login("token_has_no_ascii", token("tökèn-→-🔑")),
    _login("token_for_the_socket_has_no_ascii", token("tökèn-→-🔑"), case=SOCKET_CASE),
    _login("token_has_a_lone_surrogate", b'{"access_token": "ab\\ud800cd", "user": {"id": "1"}}'),
    _login("token_has_a_null_byte", token("ab\0cd")),
    _login("token_of_a_megabyte", token("x" * 1_000_000)),
    _login("token_of_a_megabyte_for_the_socket", token("x" * 1_000_000), case=SOCKET_CASE),
    _login("user_id_is_an_object", token(GOOD, user={"id": {"a": [1]}})),
    _login("user_is_a_word", token(GOOD, user="ada")),
    _login("expires_in_is_a_word", token(GOOD, expires_in="soon")),
    _login("expires_in_is_infinite", b'{"access_token": "abcdefgh", "expires_in": Infinity}'),
    _validate("validator_answers_html", partial(answer, b"<html>", content_type="text/html")),
    _validate("validator_says_the_word_true", partial(answer, {"valid": "true"})),
    _validate("validator_answers_a_list", partial(answer, [True])),
    _validate("validator_accepts_everything", partial(answer, {"valid": True, "user_id": "u"})),
    _validate("validator_names_somebody_else", stranger),
    _validate("validator_identity_is_an_object", partial(answer, {"valid": True, "user_id": {}})),
    _validate("validator_says_503", partial(answer, {}, status="503 Service Unavailable")),
    _validate("validator_never_answers", Visit.until_gone),
)
