"""No secret leaves: canaries planted wherever a run can take them in, in every kind of file."""

import base64
import gzip
import io
import json
import os
import subprocess
import sys
import time
import urllib.parse
import zipfile
from collections.abc import Callable
from pathlib import Path

import jwt
import nbformat
import pytest

from gp_helpers.checkers import Outcome
from gp_helpers.evidence import (
    ExitStatus,
    Finalised,
    RunFolder,
    SecretFoundError,
    bundle,
    finalise,
    leave_scan,
    scan,
)
from gp_helpers.history import Kind, Recorder, Redactor
from tests.evidence.stories import CASE, OTHER, parameters, tell

PASSWORD = 'cänary "pass"/w+rd 7f3a'
KEY = "canary-key-51ab09ffe2"
TOKEN = jwt.encode({"sub": "canary", "jti": "c1"}, "k" * 32, algorithm="HS256")
CANARIES = (PASSWORD, KEY, TOKEN)


def zipped(data: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner/file.bin", data)
    return packed.getvalue()


HIDDEN: dict[str, Callable[[str], bytes]] = {
    "plain": str.encode,
    "json": lambda secret: json.dumps({"x": [secret]}).encode(),
    "json in json": lambda secret: json.dumps(json.dumps(secret)).encode(),
    "percent": lambda secret: urllib.parse.quote(secret).encode(),
    "base64": lambda secret: base64.b64encode(secret.encode()),
    "base64 of more": lambda secret: base64.b64encode(f"user:{secret}; more".encode()),
    "base64 twice": lambda secret: base64.b64encode(base64.b64encode(f"a {secret}".encode())),
    "base64url": lambda secret: base64.urlsafe_b64encode(f"??>>{secret}".encode()),
    "an image in a page": lambda secret: b'<img src="data:image/svg+xml;base64,'
    + base64.b64encode(f"<svg><desc>{secret}</desc></svg>".encode()) + b'">',
    "hex": lambda secret: secret.encode().hex().encode(),
    "zip": lambda secret: zipped(secret.encode()),
    "zip in zip": lambda secret: zipped(zipped(secret.encode())),
    "gzip": lambda secret: gzip.compress(f"deep {secret}".encode()),
}  # fmt: skip


@pytest.mark.parametrize("form", HIDDEN)
@pytest.mark.parametrize("secret", CANARIES)
def test_a_planted_secret_is_found_in_every_form_and_not_repeated(
    form: str, secret: str, final: Finalised
) -> None:
    (final.path / "logs" / "leak.bin").write_bytes(HIDDEN[form](secret))
    found = scan(final.path, [secret])
    assert not found.is_clean
    assert {one.file.partition("!")[0].partition(" ")[0] for one in found.findings} == {
        "logs/leak.bin"
    }
    assert secret not in str(found.to_json())
    assert scan(final.path, ["another-secret-99"]).findings == () or secret == TOKEN


def test_names_and_lines_are_told(final: Finalised) -> None:
    (final.path / "logs" / "leak.log").write_text(f"one\ntwo\nthree {KEY}\n")
    (found,) = scan(final.path, [KEY]).findings
    assert (found.file, found.line) == ("logs/leak.log", 3)
    assert str(found).startswith("logs/leak.log, line 3: a known secret (")


@pytest.mark.parametrize(
    "shape",
    [
        TOKEN,
        base64.b64encode(f"Authorization: Bearer {TOKEN}".encode()).decode(),
        "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
        "AKIAIOSFODNN7EXAMPLE",
    ],
)
def test_a_secret_that_nobody_named_is_found_by_its_shape(shape: str, final: Finalised) -> None:
    (final.path / "leak.ipynb").write_text(json.dumps({"metadata": {"x": shape}}))
    assert {one.file for one in scan(final.path).findings} == {"leak.ipynb"}


def test_what_is_too_short_is_told_and_not_looked_for(final: Finalised) -> None:
    found = scan(final.path, ["abc", "abc", "", "long-enough"])
    assert (found.secrets, found.too_short, found.is_clean) == (1, 1, True)


def test_a_run_that_holds_a_secret_says_so_and_is_not_bundled(tmp_path: Path) -> None:
    with RunFolder.create(tmp_path, parameters(), environment="e", run_id="run") as run:
        tell(run)
        run.log_path("backend").write_text(f"oops {KEY}\n")
    final = finalise(run.path, canaries=CANARIES)
    assert [one.file for one in final.scan.findings] == ["logs/backend.log"]
    assert final.status is ExitStatus.BROKEN
    text = final.index.read_text()
    assert "Found; do not hand this on" in text
    assert "logs/backend.log, line 1: a known secret" in text
    assert KEY not in text
    with pytest.raises(SecretFoundError, match=r"logs/backend\.log, line 1"):
        bundle(run.path, canaries=CANARIES)
    assert not (tmp_path / "run.zip").exists()


def test_a_secret_that_the_report_itself_would_show_is_found(tmp_path: Path) -> None:
    with RunFolder.create(tmp_path, parameters(), environment=KEY, run_id="run") as run:
        tell(run)
    found = {one.file for one in finalise(run.path, canaries=[KEY]).scan.findings}
    assert {"index.html", "summary.md", "verdicts.json", "environment.json"} <= found


def test_a_kernel_looks_for_the_secrets_that_only_it_knows_and_leaves_what_it_found(
    tmp_path: Path,
) -> None:
    secrets = [KEY, *(f"secret-number-{number}" for number in range(200))]
    with RunFolder.create(tmp_path, parameters(), environment="e", run_id="run") as run:
        tell(run)
        tell(run, OTHER)
        run.log_path(f"{CASE}.trial.1/backend").write_text("all is well\n")
        leave_scan(run.path, "auth", secrets, [CASE])
        clean = finalise(run.path).scan
        assert (clean.is_clean, clean.secrets) == (True, 201)
        run.log_path(f"{CASE}.trial.1/auth").write_text(f"one\ntwo {KEY}\n")
        leave_scan(run.path, "auth", secrets, [CASE])
    final = finalise(run.path)
    assert [(one.file, one.line) for one in final.scan.findings] == [
        (f"logs/{CASE}.trial.1/auth.log", 2)
    ]
    assert final.status is ExitStatus.BROKEN
    assert KEY not in (run.path / "scans" / "auth.json").read_text()
    (run.path / "scans" / "auth.json").write_text("{")
    assert not finalise(run.path).scan.is_clean


def everything(recorder: Recorder) -> None:
    """Everything that a probe may see of a secret, on its way into a history."""
    redactor = recorder.redactor
    basic = base64.b64encode(f"ada:{PASSWORD}".encode()).decode()
    query = urllib.parse.urlencode({"token": TOKEN, "key": KEY, "p": PASSWORD})
    headers = [
        ("Authorization", f"Bearer {TOKEN}"),
        ("Proxy-Authorization", f"Basic {basic}"),
        ("Cookie", f"theme=dark; session={KEY}; jwt={TOKEN}"),
        ("Sec-WebSocket-Protocol", "jwt." + base64.urlsafe_b64encode(TOKEN.encode()).decode()),
        ("X-Api-Key", KEY),
        ("X-Custom", KEY),
    ]
    asked = recorder.add(
        Kind.REQUEST, "ada", "http-9", method="POST", url=f"http://ada:{urllib.parse.quote(PASSWORD)}@h/?{query}",
        headers=redactor.headers(headers), purpose="leak",
        body={"email": "ada@x", "password": PASSWORD, "nested": [{"note": f"my key is {KEY}"}]},
    )  # fmt: skip
    recorder.add(
        Kind.RESPONSE, "ada", "http-9", request=asked.seq, status=200, ms=1.0,
        headers=redactor.headers([("Set-Cookie", f"sid={KEY}; HttpOnly")]),
        body={"access_token": TOKEN, "echo": json.dumps({"password": PASSWORD}), "by": basic},
    )  # fmt: skip
    recorder.add(Kind.WS_RECEIVED, "ada", "ws-9", undecodable="no JSON", raw=f"{{{KEY} {TOKEN}")
    try:
        raise RuntimeError(f"login(password={PASSWORD!r}, api_key='{KEY}') got {TOKEN}")
    except RuntimeError as error:
        recorder.add(Kind.NO_RESPONSE, "ada", "http-10", error=repr(error), definite=False)
    ran = subprocess.run(
        [
            sys.executable,
            "-c",
            "import os, sys; print(dict(os.environ)); sys.exit(str(os.environ))",
        ],
        env={"A_PASSWORD": PASSWORD, "B": KEY, "C": TOKEN},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert KEY in ran.stdout
    recorder.add(Kind.READING, "lab", "backend", out=ran.stdout, err=ran.stderr)


@pytest.mark.parametrize("end", ["completed", "failed", "interrupted", None])
def test_no_planted_secret_reaches_any_file_of_any_kind_of_run(
    end: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAGING_PASSWORD", PASSWORD)
    monkeypatch.setenv("SERVICE_SECRET", KEY)
    redactor = Redactor()
    for secret, kind in ((PASSWORD, "password"), (KEY, "key"), (TOKEN, "token")):
        redactor.register(secret, kind)
    target = {
        "kind": "deployment",
        "auth": {
            "login": {"url": "https://h/login", "json": {"password": "${STAGING_PASSWORD}"}},
            "token": {"static": "${SERVICE_SECRET}"},
        },
        "limits": {"hosts": ["h"]},
    }
    stated = parameters(target=target, expectation="pass")
    with RunFolder.create(tmp_path, stated, environment="staging", run_id="run") as run:
        tell(run, status=500, end=end, redactor=redactor, more=everything)
        run.record_case(OTHER, Outcome.ERROR, redactor.text(f"could not log in with {PASSWORD}"))
        cell = nbformat.v4.new_code_cell("login()", metadata={"password": "${STAGING_PASSWORD}"})
        nbformat.write(nbformat.v4.new_notebook(cells=[cell]), run.notebook_path("01_auth"))
    final = finalise(run.path, canaries=[TOKEN])
    assert final.scan.secrets >= 3
    assert final.scan.findings == ()
    packed = bundle(run.path, canaries=CANARIES).path
    assert scan(packed, CANARIES).findings == ()
    for path in run.path.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            for secret in CANARIES:
                assert secret.encode() not in content
                assert json.dumps(secret)[1:-1].encode() not in content
    assert os.environ["SERVICE_SECRET"] == KEY
    assert CASE in final.index.read_text()


@pytest.mark.parametrize("part", ["eyJ", "eyJ.", "eyJab.a", "eyJ ", "a."])
def test_a_file_of_almost_tokens_is_searched_in_time(part: str, tmp_path: Path) -> None:
    place = tmp_path / "answer.txt"
    place.write_text((part * 1_000_000)[:1_000_000])
    began = time.perf_counter()
    assert scan(place).is_clean
    assert time.perf_counter() - began < 10
