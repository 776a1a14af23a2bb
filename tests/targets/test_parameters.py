"""Parameter files of targets: what is wrong is told by file, line, key and what is allowed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from gp_helpers.cli.main import main
from gp_helpers.parameters import (
    AsgiTarget,
    ParameterError,
    json_schema,
    load,
    resolved,
    validate,
)
from gp_helpers.parameters.description import states
from gp_helpers.parameters.first_version import (
    ASKS,
    KINDS,
    NONE,
    answer_to,
    first_version,
    is_asked,
)
from gp_helpers.parameters.loading import _models_of, _value_type
from gp_helpers.parameters.placeholders import _WHERE, USER
from gp_helpers.parameters.sockets import TRANSPORTS
from gp_helpers.parameters.templates import render_expression
from gp_helpers.probes.expressions import matches
from gp_helpers.targets.accounts import stated_accounts
from gp_helpers.targets.transports import transport
from tests.support.repository import ROOT
from tests.targets.people import somebody

WRONG = """\
target:
  kind: deployment
  auth:
    token: {statik: "${T}"}
    validators:
      threads: {method: FETCH, url: x, acepted: "status == `200`"}
  websocket:
    url: wss://x
    request: {}
    events: {agent_completed: "type==", agent_started: {wen: x}}
  limits: {concurrent_users: 0, faults: [cut], load: {usrs: 3}}
cases: [auht]
"""


def problems(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    with pytest.raises(ParameterError) as wrong:
        load(str(path))
    assert wrong.value.source == str(path)
    return wrong.value.problems


def test_every_problem_names_line_key_and_what_is_allowed(tmp_path: Path) -> None:
    found = problems(tmp_path, WRONG)
    for line, key, told in (
        (4, "target.auth.token.statik", "did you mean static? allowed: body, cookie, static"),
        (6, "target.auth.validators.threads.method", "found 'FETCH'"),
        (6, "target.auth.validators.threads.acepted", "did you mean accepted?"),
        (10, "target.websocket.events.agent_started.wen", "allowed: when, all_of, repeats"),
        (11, "target.limits.concurrent_users", "greater than or equal to 1; found 0"),
        (11, "target.limits.faults", "allowed: network_cut"),
        (11, "target.limits.load.usrs", "did you mean users?"),
        (12, "cases", "did you mean auth?"),
    ):
        assert any(one.startswith(f"line {line}: {key}: ") and told in one for one in found), key


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("target: {kind: deploymnt}", "line 1: target.kind: did you mean deployment?"),
        ("target: {wiring: remediated}", "line 1: target.kind: missing; allowed: embedded"),
        ("target: {kind: embedded, wiring: fixed}", "target.wiring: input should be 'as_reported'"),
        (
            "target: {kind: asgi, auth: {token: {static: x}}, backend: b,\n"
            "         applications: {a: {app: 'm:a'}}}",
            "target.backend: 'b' is not an application; there are: a",
        ),
        (
            "target: {kind: asgi, auth: {token: {static: x}}, isolation: thread,\n"
            "         applications: {backend: {app: 'm:a', environment: {A: b}}}}",
            "target.isolation: in one process backend cannot have an environment of their own; "
            "allowed with it: process",
        ),
        (
            "target: {kind: deployment, auth: {token: {static: x}}, limits: {hosts: a},\n"
            "         websocket: {url: 'ws://a', request: {}, transport: pigeon,\n"
            "                     events: {agent_completed: x}}}",
            "line 2: target.websocket.transport: unknown transport; allowed: json, socketio, or "
            "package.module:Transport; found 'pigeon'",
        ),
        ("target: {kind: deployment, limits: {hosts: a}}", "input should be a valid list; found"),
    ],
)
def test_what_was_meant_is_guessed_from_the_form_of_the_value(
    tmp_path: Path, text: str, told: str
) -> None:
    assert told in "\n".join(problems(tmp_path, text))


UNKNOWN = """\
target:
  kind: deployment
  auth:
    login:
      url: "https://x/{user.emial}"
      json: {words: ["{txt}", "{user.password}"]}
    token: {static: "{user.api_key}"}
  accounts: {register: {url: "https://x/{token}"}}
  websocket:
    url: "wss://x/{thread_id}?{quantity}"
    request: {id: "{request_id}", nested: {text: "{text}", who: "{user.canary}"}}
    correlate: "id == '{text}'"
    ping: {send: {n: "{ping_id}"}, pong: "n == '{pong_id}'"}
    events: {agent_completed: "type == 'x'"}
  health: {api: {url: "https://x/{token}"}}
  facts: ['\\d{2} of {user.canary}', "{fact}"]
  limits: {}
"""


def test_a_placeholder_that_nothing_will_ever_fill_is_found_when_the_file_is_read(
    tmp_path: Path,
) -> None:
    assert [one.partition("; ")[0] for one in problems(tmp_path, UNKNOWN)] == [
        "line 5: target.auth.login.url: unknown placeholder {user.emial}",
        "line 6: target.auth.login.json.words.0: unknown placeholder {txt}",
        "line 7: target.auth.token.static: unknown placeholder {user.api_key}",
        "line 10: target.websocket.url: unknown placeholder {quantity}",
        "line 12: target.websocket.correlate: unknown placeholder {text}",
        "line 13: target.websocket.ping.pong: unknown placeholder {pong_id}",
        "line 15: target.health.api.url: unknown placeholder {token}",
        "line 16: target.facts.1: unknown placeholder {fact}",
    ]
    told = problems(tmp_path, UNKNOWN)
    assert "did you mean user.email? allowed: user.email, user.password" in told[0]
    assert told[4].endswith("; allowed: request_id")
    assert told[6].endswith("; allowed: none here")


def test_stated_accounts_may_have_keys_of_their_own_and_applications_have_addresses(
    tmp_path: Path,
) -> None:
    stated = UNKNOWN.replace('{register: {url: "https://x/{token}"}}', "{inline: '[{}]'}")
    found = problems(tmp_path, stated)
    assert not any("user." in one.partition("; ")[0] for one in found)
    asgi = (
        "target:\n"
        "  kind: asgi\n"
        "  applications:\n"
        "    auth: {app: 'm:a'}\n"
        "    backend: {app: 'm:b', environment: {A: '{auth.url}', B: '{model.url}'}}\n"
        "  auth: {login: {url: '{auth.url}/in'}}\n"
        "  health: {b: {url: '{backend.ws_url}{moddel.url}'}}\n"
    )
    assert [one.partition("; ")[0] for one in problems(tmp_path, asgi)] == [
        "line 5: target.applications.backend.environment.B: unknown placeholder {model.url}",
        "line 7: target.health.b.url: unknown placeholder {moddel.url}",
    ]


def test_the_placeholders_of_a_user_are_those_that_a_person_has() -> None:
    assert set(USER) == {f"user.{key}" for key in somebody().as_variables()}


def test_every_place_of_placeholders_is_one_of_the_schema() -> None:
    for stated in _WHERE:
        model: Any = AsgiTarget
        for part in stated.split("."):
            if part != "*":
                found = [
                    field.annotation
                    for one in _models_of(model)
                    for name, field in one.model_fields.items()
                    if part in (name, field.alias)
                ]
                assert found, f"{stated}: nothing is called {part}"
                model = found[0]
            else:
                model = _value_type(model)


def test_the_published_schema_is_the_current_one() -> None:
    published = json.loads((ROOT / "docs/parameters.schema.json").read_text())
    assert published == json_schema()
    described = published["$defs"]["WebSocketDescription"]["properties"]["lineage"]
    assert published["$defs"]["Limits"]["properties"]["hosts"]["description"].startswith("``name``")
    assert described


@pytest.mark.parametrize(
    "path", sorted((ROOT / "parameters").rglob("*.yaml")), ids=lambda path: path.stem
)
def test_every_file_that_ships_is_valid_and_keeps_its_references(path: Path) -> None:
    parameters = load(str(path))
    assert validate(parameters.as_json(), source="again") == parameters


SCHEMA = ROOT / "docs/parameters.schema.json"
DESK = ROOT / "tests/targets/desk/desk.yaml"
SHOP = ROOT / "tests/targets/shop/shop.yaml"


def _complaints(data: Any) -> list[str]:
    """What an editor that knows the schema underlines."""
    validator = Draft202012Validator(json.loads(SCHEMA.read_text()))
    return [str(error) for error in validator.iter_errors(data)]


@pytest.mark.parametrize(
    "path", [*sorted((ROOT / "parameters").rglob("*.yaml")), DESK, SHOP], ids=lambda path: path.stem
)
def test_an_editor_finds_nothing_wrong_with_a_right_file(path: Path) -> None:
    named = re.match(r"# yaml-language-server: \$schema=(\S+)\n", path.read_text())
    assert named is None or (path.parent / named[1]).resolve() == SCHEMA
    assert _complaints(yaml.safe_load(path.read_text())) == []


def test_an_editor_finds_a_misspelt_key_and_a_value_that_is_not_allowed() -> None:
    data = yaml.safe_load(DESK.read_text())
    data["target"]["websocket"]["correlat"] = data["target"]["websocket"].pop("correlate")
    data["expectation"] = "hope"
    complaints = "\n".join(_complaints(data))
    assert "correlat" in complaints
    assert "'hope' is not one of ['reproduce', 'pass', 'none']" in complaints


def test_a_reference_that_is_not_set_is_named_with_its_line_before_anything_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NOT_SET_HERE", raising=False)
    path = tmp_path / "mine.yaml"
    path.write_text(
        "target:\n  kind: deployment\n  limits: {}\n  auth:\n    token:\n"
        "      static: x-${NOT_SET_HERE}\n"
    )
    outputs = tmp_path / "outputs"
    for command in (["run", "--outputs", str(outputs)], ["target", "check"]):
        assert main([*command, "--env", str(path)]) == 3
        told = capsys.readouterr().err
        key = "target.auth.token.static"
        assert told == f"{path}: line 6: {key}: environment variable not set: NOT_SET_HERE\n"
    assert not outputs.exists()


HEADS = {
    "health: {api: {url: 'http://a', headers: {X-Key: \"%s\"}}}": "health.api.headers.X-Key",
    "health: {api: {url: 'http://a', bearer: \"%s\"}}": "health.api.bearer",
    "health: {api: {url: 'http://a', cookies: {key: \"%s\"}}}": "health.api.cookies.key",
    "websocket: {url: 'ws://a', request: {}, events: {agent_completed: x}, headers: {K: \"%s\"}}": (
        "websocket.headers.K"
    ),
}
UNSENDABLE = {
    "caf\u00e9": "it holds more than printable ASCII",
    "two\nlines": "it holds more than printable ASCII",
    "\x7f": "it holds more than printable ASCII",
    "ends with one ": "it begins or ends with a space",
}


@pytest.mark.parametrize("value", UNSENDABLE)
@pytest.mark.parametrize("head", HEADS)
def test_a_header_that_no_client_can_send_is_named_before_anything_starts(
    head: str,
    value: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "mine.yaml"
    stated = "target:\n  kind: deployment\n  limits: {}\n  auth: {token: {static: x}}\n"
    monkeypatch.setenv("MY_KEY", value)
    outputs = tmp_path / "outputs"
    expected = f"{path}: line 5: target.{HEADS[head]}: cannot be sent in a header: "
    for written in (value.replace("\n", "\\n").replace("\x7f", "\\x7f"), "${MY_KEY}"):
        path.write_text(f"{stated}  {head % written}\n", encoding="utf-8")
        for command in (["run", "--outputs", str(outputs)], ["target", "check"]):
            assert main([*command, "--env", str(path)]) == 3
            told = capsys.readouterr().err
            assert told.startswith(f"{expected}{UNSENDABLE[value]}")
    assert value not in told
    assert not outputs.exists()


def test_a_header_has_a_name_that_is_one(tmp_path: Path) -> None:
    text = (
        "target: {kind: deployment, limits: {}, auth: {token: {static: x}},\n"
        "  health: {api: {url: 'http://a', headers: {'X Key': a}}}}\n"
    )
    [problem] = problems(tmp_path, text)
    assert "line 2: target.health.api.headers.X Key: is no name of a header" in problem


def test_a_transport_that_cannot_be_imported_is_named_before_anything_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "breaks.py").write_text("raise RuntimeError('not today')\n")
    path = tmp_path / "mine.yaml"
    for stated, told in (("nowhere:T", "nowhere"), ("breaks:T", "not today"), ("json:T", "T")):
        path.write_text(
            "target:\n  kind: deployment\n  limits: {}\n  auth: {token: {static: x}}\n"
            f"  websocket: {{url: 'ws://a', request: {{}}, transport: '{stated}',\n"
            "              events: {agent_completed: x}}\n"
        )
        outputs = tmp_path / "outputs"
        for command in (["run", "--outputs", str(outputs)], ["target", "check"]):
            assert main([*command, "--env", str(path)]) == 3
            error = capsys.readouterr().err
            assert error.startswith("target.websocket.transport: ")
            assert told in error
        assert not outputs.exists()


def test_the_transports_that_a_file_may_name_are_those_that_there_are() -> None:
    for name in TRANSPORTS:
        assert transport(name)


def test_references_are_resolved_all_at_once_and_named_if_missing() -> None:
    staging = load(str(ROOT / "parameters/staging.yaml"))
    with pytest.raises(ParameterError, match=r"STAGING_AUTH_URL.*STAGING_SOCKET_URL"):
        resolved(staging, {})


def test_a_value_cannot_end_the_text_that_it_is_filled_into() -> None:
    predicate = render_expression("id == '{text}'", {"text": "a' || 'b"})
    assert matches(predicate, {"id": "a' || 'b"})
    assert not matches(predicate, {"id": "a"})


def test_a_part_is_stated_below_a_mapping_if_one_of_its_values_states_it() -> None:
    staging = load(str(ROOT / "parameters/staging.yaml")).target
    assert states(staging, "auth.validators.identity")  # type: ignore[arg-type]
    assert states(staging, "websocket.answer|websocket.answer_chunk")  # type: ignore[arg-type]
    assert not states(staging, "websocket.modes")  # type: ignore[arg-type]
    assert not states(staging, "billing")  # type: ignore[arg-type]


@pytest.mark.parametrize("login", ["json", "form", "oauth2", "static"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("others", ["", NONE])
def test_a_first_version_is_valid_whatever_is_answered(kind: str, login: str, others: str) -> None:
    given = {"kind": kind, "login": login, "user_field": "handle"}
    given |= dict.fromkeys(("who_am_i", "register_path", "ready_path", "answer", "ready"), others)
    given |= {"auth_app": "accounts:app"} if not others else {}
    answers: dict[str, str] = {}
    for ask in ASKS:
        answer = answer_to(ask, given.get(ask.key, ""))
        answers[ask.key] = answer if is_asked(ask, answers) else ""
    text = first_version(answers, environment="new", schema="schema.json")
    parameters = validate(yaml.safe_load(text), source="new")
    target = parameters.as_json()["target"]
    assert target["kind"] == kind
    assert ("applications" in target) == (kind == "asgi")
    assert ("limits" in target) == (kind == "deployment")


PLATFORM = """\
import json
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute

async def enter(request):
    return JSONResponse({"access_token": "key-of-" + (await request.json())["email"]})

async def health(request):
    return JSONResponse({})

async def me(request):
    known = request.headers.get("authorization", "").startswith("Bearer key-of-")
    return JSONResponse({}, 200 if known else 401)

async def talk(socket):
    if not socket.headers.get("authorization", "").startswith("Bearer key-of-"):
        await socket.close()
        return
    await socket.accept()
    await socket.send_json({"type": "hi"})
    async for text in socket.iter_text():
        await socket.send_json({"type": "done", "id": json.loads(text)["id"]})

app = Starlette(routes=[
    Route("/auth/register", enter, methods=["POST"]),
    Route("/auth/login", enter, methods=["POST"]),
    Route("/health", health), Route("/api/me", me), WebSocketRoute("/ws", talk),
])
"""


def test_a_first_version_for_ones_own_application_can_be_checked_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "their_platform.py").write_text(PLATFORM)
    given = {"kind": "asgi", "name": "mine", "path": str(tmp_path)}
    given["backend_app"] = "their_platform:app"
    given |= {"password_field": "word", "ready": "type == 'hi'"}
    given["correlate"] = "id == '{request_id}'"
    asked = {ask.text: ask.key for ask in ASKS}
    monkeypatch.setattr(
        "builtins.input", lambda text: given.get(asked[text.rpartition(" [")[0]], "")
    )
    path = tmp_path / "mine.yaml"
    assert main(["target", "new", "--output", str(path)]) == 0
    assert f"next: golden-path target check --env {path}\n" in capsys.readouterr().out
    text = path.read_text()
    schema = re.match(r"# yaml-language-server: \$schema=(\S+)\n", text)
    assert schema is not None
    assert (tmp_path / schema[1]).resolve() == SCHEMA
    assert f"target check --env {path}\n" in text
    target = yaml.safe_load(text)["target"]
    assert target["auth"]["login"]["json"]["word"] == "{user.password}"
    assert target["websocket"]["correlate"] == "id == '{request_id}'"
    assert main(["target", "check", "--env", str(path)]) == 0
    told = capsys.readouterr().out
    for stage in ("account", "log in", "validators", "connect", "ask"):
        assert f"ok           {stage:14}" in told
    assert main(["target", "new", "--kind", "asgi", "--defaults", "--output", str(path)]) == 3
    assert "is there already" in capsys.readouterr().err


def test_what_accounts_hold_is_never_quoted(tmp_path: Path) -> None:
    path = tmp_path / "accounts.yaml"
    path.write_text("- {email: a, password: hunter2000}\n- hunter2001\n")
    accounts = {"accounts": {"file": str(path)}, "auth": {"token": {"static": "x"}}}
    target = validate(
        {"target": {"kind": "deployment", "limits": {}, **accounts}}, source="test"
    ).target
    with pytest.raises(ParameterError) as wrong:
        stated_accounts(target.accounts)  # type: ignore[union-attr]
    assert "entry 2: expected a mapping" in str(wrong.value)
    assert "hunter" not in str(wrong.value)
