"""`golden-path target check` shows what a platform says, without what its environment hides."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from gp_helpers.cli.main import main
from gp_helpers.history import Kind, Recorder, Redactor
from gp_helpers.parameters import DeploymentTarget, validate
from gp_helpers.workbook.target_findings import unmentioned

SECRET = "kettle-key-7f3a9c1b5d"
PLATFORM = """\
import json, os
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute

SECRET = os.environ["THEIR_API_KEY"]

async def enter(request):
    await request.body()
    return JSONResponse({"access_token": "key-of-somebody", "user": {"id": SECRET}})

async def thread(request):
    await request.body()
    return JSONResponse({"id": "thread of " + SECRET})

async def me(request):
    return JSONResponse({"id": "other " + SECRET})

async def talk(socket):
    await socket.accept()
    async for text in socket.iter_text():
        answer = "." * (79 - len(SECRET)) + " " + SECRET
        await socket.send_json({"type": "done", "id": json.loads(text)["id"], "answer": answer})

app = Starlette(routes=[
    Route("/register", enter, methods=["POST"]),
    Route("/login", enter, methods=["POST"]),
    Route("/thread", thread, methods=["POST"]),
    Route("/me", me), WebSocketRoute("/ws", talk),
])
"""
BROKEN = """\
import os
print("begins with", os.environ["THEIR_API_KEY"], flush=True)
raise RuntimeError("cannot use " + os.environ["THEIR_API_KEY"])
"""


def described(folder: Path, program: str) -> str:
    (folder / "their_checked_platform.py").write_text(program)
    auth = {
        "login": {"method": "POST", "url": "{backend.url}/login", "json": {"as": "{user.email}"}},
        "token": {"body": "body.access_token"},
        "user_id": "body.user.id",
        "validators": {
            "me": {"url": "{backend.url}/me", "bearer": "{token}", "identity": "body.id"}
        },
    }
    target = {
        "kind": "asgi",
        "name": "theirs",
        "path": [str(folder)],
        "applications": {"backend": {"app": "their_checked_platform:app", "ready_path": "/me"}},
        "auth": auth,
        "accounts": {"register": {"method": "POST", "url": "{backend.url}/register", "json": {}}},
        "conversation": {
            "create": {"method": "POST", "url": "{backend.url}/thread", "json": {}},
            "id": "body.id",
        },
        "websocket": {
            "url": "{backend.ws_url}/ws",
            "present_token": "header",
            "request": {"id": "{request_id}", "text": "{text}"},
            "events": {"agent_completed": "type == 'done'"},
            "answer": "answer",
        },
        "silence_after_s": 1,
    }
    path = folder / "theirs.yaml"
    path.write_text(yaml.safe_dump({"target": target}))
    return str(path)


@pytest.mark.parametrize("form", [["--quiet"], [], ["--json"]])
def test_no_stage_shows_a_secret_of_the_environment(
    form: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("THEIR_API_KEY", SECRET)
    assert main(["target", "check", *form, "--env", described(tmp_path, PLATFORM)]) == 1
    told = capsys.readouterr().out
    if "--json" in form:
        told = json.dumps(json.loads(told), ensure_ascii=False)
    for stage in ("user id ‹environment", "thread of ‹environment", "says other ‹environment"):
        assert stage in told
    assert "80 characters: '" in told
    assert SECRET[:-1] not in told


def test_a_service_that_does_not_start_shows_none_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("THEIR_API_KEY", SECRET)
    assert main(["target", "check", "--env", described(tmp_path, BROKEN)]) == 1
    told = capsys.readouterr().out
    assert "cannot use ‹environment" in told
    assert SECRET not in told


def test_what_is_not_mentioned_is_told_apart_by_the_words_that_the_files_own_rules_go_by() -> None:
    """A platform need not call it ``type``."""
    websocket = {
        "url": "ws://a.example/ws",
        "request": {"id": "{request_id}"},
        "events": {"agent_completed": "t.name == 'done' && id == '{request_id}'"},
    }
    auth = {"token": {"static": "x"}}
    target = {"kind": "deployment", "name": "t", "auth": auth, "limits": {}, "websocket": websocket}
    stated = validate({"target": target}, source="test").target
    assert isinstance(stated, DeploymentTarget)
    recorder = Recorder(None, Redactor())
    for name in ("begun", "thinks", "thinks"):
        message = {"t": {"name": name}, "id": "1"}
        recorder.add(Kind.WS_RECEIVED, "ada", "ws", message=message, events=[])
    found = unmentioned(stated, recorder.history)
    assert [(one.what, one.times, one.predicate) for one in found] == [
        ("t.name: begun", 1, "t.name == 'begun'"),
        ("t.name: thinks", 2, "t.name == 'thinks'"),
    ]
