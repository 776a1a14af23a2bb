"""Redaction: secrets planted in every place and form in which they may come, and none gets in."""

import base64
import html
import json
import re
import subprocess
import sys
import urllib.parse
from pathlib import Path
from typing import Any

import jwt
import pytest

from gp_helpers.history import Kind, Recorder, Redactor, fingerprint

PASSWORD = 'pä"ss/w+rd & <7f3a>'
OPAQUE = "op4que-8c1f-Zq9"
"""A secret of no known shape: known by being registered, or by the name that it stands under."""
JWT = jwt.encode({"sub": "user-1", "exp": 4102444800}, "k" * 32, algorithm="HS256")


def recorded(redactor: Redactor, tmp_path: Path, **data: Any) -> str:
    path = tmp_path / "history.jsonl"
    with Recorder(path, redactor) as recorder:
        recorder.add(Kind.RESPONSE, "ada", "http-1", **data)
    return path.read_text()


def knowing(*secrets: str) -> Redactor:
    redactor = Redactor()
    for secret in secrets:
        redactor.register(secret, "password")
    return redactor


FORMS = {
    "plain": lambda s: s,
    "in a sentence": lambda s: f"wrong password {s}!",
    "percent": lambda s: urllib.parse.quote(s, safe=""),
    "percent, slash kept": urllib.parse.quote,
    "percent, lower case": lambda s: re.sub(
        r"%..", lambda match: match[0].lower(), urllib.parse.quote(s, safe="")
    ),
    "form": lambda s: urllib.parse.urlencode({"x": s}),
    "percent twice": lambda s: urllib.parse.quote(urllib.parse.quote(s, safe=""), safe=""),
    "json": lambda s: json.dumps({"x": s}),
    "json, unicode": lambda s: json.dumps({"x": s}, ensure_ascii=False),
    "json in json": lambda s: json.dumps({"x": json.dumps({"y": s})}),
    "json, three times": lambda s: json.dumps(json.dumps(json.dumps({"y": s}))),
    "html in json": lambda s: json.dumps({"x": html.escape(s)}),
    "repr": lambda s: repr({"x": s}),
    "bytes": lambda s: repr(s.encode()),
    "html": html.escape,
    "base64": lambda s: base64.b64encode(s.encode()).decode(),
    "base64url": lambda s: base64.urlsafe_b64encode(s.encode()).decode(),
    "basic": lambda s: base64.b64encode(f"ada:{s}".encode()).decode(),
    "base64 of json": lambda s: base64.b64encode(f'{{"p":"{s}"}}'.encode()).decode(),
    "base64, third place": lambda s: base64.b64encode(f"x{s}yz".encode()).decode(),
    "hex": lambda s: s.encode().hex(),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("secret", [PASSWORD, OPAQUE, JWT])
def test_a_registered_secret_is_found_in_every_form(form: str, secret: str, tmp_path: Path) -> None:
    made = FORMS[form](secret)
    written = recorded(knowing(secret), tmp_path, body={"note": made, "nested": [[made]]})
    for shape in {secret, made, made.rstrip("="), json.dumps(made)[1:-1]} - {""}:
        assert shape not in written
    assert made.strip("=")[4:-4] not in written


UNKNOWN = {
    "member": {"body": {"password": OPAQUE}},
    "member of a list": {"body": {"password": [OPAQUE, OPAQUE]}},
    "member of a member": {"body": {"credentials": {"user": "x", "value": OPAQUE}}},
    "camel case": {"body": {"accessToken": OPAQUE, "refreshToken": OPAQUE, "apiKey": OPAQUE}},
    "header mapping": {"sent": {"Authorization": f"Token {OPAQUE}", "X-Api-Key": OPAQUE}},
    "csrf": {"body": {"csrf-token": OPAQUE}},
    "short names": {"body": {"pass": OPAQUE, "passcode": OPAQUE, "pin": OPAQUE, "otp": OPAQUE}},
    "more short names": {"body": {"access_code": OPAQUE, "client_key": OPAQUE, "sid": OPAQUE}},
    "query string": {"url": f"http://h/ws?mode=main&token={OPAQUE}&x=1"},
    "query string in a query string": {"url": f"http://h/?next=%2Fws%3Ftoken%3D{OPAQUE}"},
    "userinfo": {"url": f"postgresql://golden:{OPAQUE}@db:5432/x"},
    "userinfo without a name": {"url": f"redis://:{OPAQUE}@db:6379"},
    "userinfo, name alone": {"url": f"https://{OPAQUE}@git.example/x.git"},
    "log line": {"line": f"12:00 DEBUG headers Authorization: Token {OPAQUE}"},
    "log line, cookie": {"line": f"cookie: theme=dark; sid={OPAQUE}"},
    "log line, list of pairs": {"line": f"[(b'authorization', b'Token {OPAQUE}')]"},
    "exception, keyword": {"error": f"TypeError: login(password='{OPAQUE}') failed"},
    "exception, json": {"error": f'ValueError: {{"api_key": "{OPAQUE}"}} refused'},
    "exception, json in json": {"error": f'{{\\"secret\\": \\"{OPAQUE}\\"}}'},
    "environment": {"output": f"SERVICE_SECRET={OPAQUE}\nHOME=/x"},
    "yaml": {"output": f"database:\n  password: {OPAQUE}\n"},
    "bearer": {"output": f"sent bearer {OPAQUE}"},
    "basic": {"output": "Basic " + base64.b64encode(f"ada:{OPAQUE}".encode()).decode()},
    "set-cookie": {"headers": [["Set-Cookie", f"sid={OPAQUE}; Path=/"]]},
}


@pytest.mark.parametrize("place", UNKNOWN)
def test_a_secret_that_nobody_registered_is_known_by_its_name(place: str, tmp_path: Path) -> None:
    data = UNKNOWN[place]
    redactor = Redactor()
    if "headers" in data:
        data = {"headers": redactor.headers([tuple(pair) for pair in data["headers"]])}  # type: ignore[misc]
    written = recorded(redactor, tmp_path, **data)
    assert OPAQUE not in written
    assert base64.b64encode(OPAQUE.encode()).decode()[3:-4] not in written
    assert sum(redactor.counts.values()) >= 1


SHAPES = {
    "jwt": JWT,
    "jwt without a signature": JWT.rpartition(".")[0] + ".",
    "jwt after an underscore": f"token_{JWT}",
    "jwt with spaces in its header": base64.urlsafe_b64encode(b'{ "alg": "HS256"}').decode()
    + JWT[JWT.index(".") :],
    "jwe": f"{JWT}.YWJj.ZGVm",
    "jwt, encoded": "jwt." + base64.urlsafe_b64encode(JWT.encode()).decode().rstrip("="),
    "private key": "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n-----END PRIVATE KEY-----",
    "vendor key": "sk-proj-abcdefghijklmnop1234",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_secret_is_known_by_its_shape(shape: str, tmp_path: Path) -> None:
    written = recorded(Redactor(), tmp_path, body={"said": f"got {SHAPES[shape]} back"})
    for part in SHAPES[shape].replace("\n", ".").split("."):
        if len(part) > 5 and not part.startswith("-----"):
            assert part not in written
    assert "got " in written
    assert " back" in written


def test_a_token_becomes_its_fingerprint_and_tokens_stay_apart() -> None:
    other = jwt.encode({"sub": "user-2"}, "k" * 32, algorithm="HS256")
    assert Redactor().text(f"{JWT} {other}") == (
        f"‹token {fingerprint(JWT)}› ‹token {fingerprint(other)}›"
    )


def test_a_dotted_text_that_is_no_token_stays() -> None:
    assert Redactor().text("keyJoker.module.name") == "keyJoker.module.name"


def test_our_own_fingerprint_stays_and_a_password_that_looks_like_one_goes(tmp_path: Path) -> None:
    lookalike = "0123456789ab"
    written = json.loads(recorded(Redactor(), tmp_path, token=lookalike, body={"token": lookalike}))
    assert written["data"] == {"token": lookalike, "body": {"token": "‹token›"}}


def test_one_redacted_part_does_not_vouch_for_the_rest() -> None:
    redactor = knowing(OPAQUE)
    assert redactor.headers([("Cookie", f"a={OPAQUE}; session=unregistered-77")]) == [
        ["Cookie", "‹cookie›"]
    ]
    assert redactor.value({"password": f"{OPAQUE} unregistered-77"}) == {"password": "‹password›"}


def test_a_server_cannot_pass_a_secret_off_as_redacted() -> None:
    assert Redactor().value({"password": f"‹{OPAQUE}›"}) == {"password": "‹password›"}
    assert OPAQUE not in Redactor().text(f"password=‹{OPAQUE}›")


def test_a_number_under_the_name_of_a_secret_goes() -> None:
    assert Redactor().value({"passwd": 12345678, "pin_secret": 1.5}) == {
        "passwd": "‹passwd›",
        "pin_secret": "‹pin_secret›",
    }
    assert knowing("12345678").value({"seen": 12345678}) == {"seen": "‹password›"}


def test_what_is_no_secret_stays_as_it_is() -> None:
    said = {
        "token_type": "Bearer",
        "expires_in": 900,
        "usage": {"prompt_tokens": 12, "max_tokens": 40},
        "error": {"code": "invalid_token", "message": "the token: refused, it has expired"},
        "url": "http://127.0.0.1:8000/ws?mode=main",
        "valid": True,
        "password": None,
        "at": "12:00:01",
        "answer": "Your largest cost is storage: 1,204.50 EUR (id=77).",
    }
    redactor = Redactor()
    assert redactor.value(said) == said
    assert redactor.counts == {}


def test_headers_keep_order_names_and_scheme() -> None:
    redactor = Redactor()
    assert redactor.headers(
        [("Host", "h"), ("Authorization", f"Bearer {JWT}"), ("X-Service-Secret", OPAQUE)]
    ) == [
        ["Host", "h"],
        ["Authorization", f"Bearer ‹token {fingerprint(JWT)}›"],
        ["X-Service-Secret", "‹x-service-secret›"],
    ]


def test_redacting_twice_changes_nothing_more() -> None:
    redactor = Redactor(pseudonymise=True)
    once = redactor.value(
        {
            "url": f"http://ada:{OPAQUE}@h/?token={JWT}&u=ada%40corp.example",
            "headers": redactor.headers([("Authorization", f"Bearer {JWT}"), ("Cookie", "a=b")]),
            "by": "ada@corp.example",
        }
    )
    assert redactor.value(once) == once


def test_addresses_become_pseudonyms_that_stay_apart() -> None:
    redactor = Redactor(pseudonymise=True)
    assert redactor.text(
        "ada@corp.example, ben@corp.example, ADA@corp.example, ada%40corp.example"
    ) == (
        "person-1@example.invalid, person-2@example.invalid, "
        "person-1@example.invalid, person-1@example.invalid"
    )
    assert Redactor().text("ada@corp.example") == "ada@corp.example"


def test_the_output_of_a_process_that_prints_its_environment_and_a_traceback(
    tmp_path: Path,
) -> None:
    program = (
        "import os; print(dict(os.environ)); print('token', os.environ['PLANTED']);"
        "raise RuntimeError('cannot log in with ' + os.environ['PLANTED'])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env={"PLANTED": PASSWORD, "DB_PASSWORD": OPAQUE},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert PASSWORD in ran.stderr
    assert OPAQUE in ran.stdout
    written = recorded(knowing(PASSWORD), tmp_path, out=ran.stdout, err=ran.stderr)
    assert PASSWORD not in written
    assert json.dumps(PASSWORD)[1:-1] not in written
    assert OPAQUE not in written


def test_many_secrets_do_not_make_it_slow() -> None:
    redactor = Redactor()
    for number in range(3000):
        redactor.register(f"secret-number-{number:06d}", "password")
    text = "an answer without anything in it, " * 40
    assert redactor.text(text) == text
    assert redactor.text(f"{text} secret-number-001234 {text}") == f"{text} ‹password› {text}"
