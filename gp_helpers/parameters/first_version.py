"""A first parameter file for a deployment, from a dozen answers; `target check` shows the rest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

SCHEMA_URL = "../docs/parameters.schema.json"


@dataclass(frozen=True, slots=True)
class Ask:
    """One question to whoever writes the file."""

    key: str
    text: str
    default: str
    only_if: tuple[str, tuple[str, ...]] | None = None
    """A key and its answers for which this is asked."""


ASKS = (
    Ask("name", "What is it called", "staging"),
    Ask("base", "Base URL over HTTP", "https://api.example.com"),
    Ask("login", "Login: json, form, oauth2 or static", "json"),
    Ask("login_path", "Path of the login", "/auth/login", ("login", ("json", "form", "oauth2"))),
    Ask("user_field", "Name of the user's field", "email", ("login", ("json", "form"))),
    Ask("token", "Token: JMESPath path in the response, or cookie NAME", "body.access_token",
        ("login", ("json", "form", "oauth2"))),
    Ask("token_variable", "Environment variable that holds the token", "TARGET_TOKEN",
        ("login", ("static",))),
    Ask("accounts_variable", "Environment variable that names the file of accounts",
        "TARGET_ACCOUNTS_FILE", ("login", ("json", "form", "oauth2"))),
    Ask("who_am_i", "Path that needs the token (a validator), empty for none", "/api/me"),
    Ask("socket", "URL of the socket", "wss://api.example.com/ws"),
    Ask("transport", "Transport: json, socketio or package.module:Class", "json"),
    Ask("present_token", "The socket gets the token in: header, subprotocol, query, cookie, "
        "first_message or none", "header"),
    Ask("request", "A question as the socket takes it (JSON; {text}, {request_id}, {thread_id})",
        '{"type": "message", "id": "{request_id}", "text": "{text}"}'),
    Ask("completed", "What ends an answer (JMESPath over the message)", "type == 'done'"),
    Ask("answer", "Where the answer is in it (JMESPath), empty if unknown", ""),
)  # fmt: skip


def is_asked(ask: Ask, answers: Mapping[str, str]) -> bool:
    """Whether a question makes sense after what was answered so far."""
    return ask.only_if is None or answers.get(ask.only_if[0]) in ask.only_if[1]


def first_version(answers: Mapping[str, str]) -> str:
    """The text of the file. ``ValueError`` says which answer cannot be used."""
    target: dict[str, Any] = {
        "kind": "deployment",
        "name": answers["name"],
        "auth": _auth(answers),
        "websocket": _websocket(answers),
        "silence_after_s": 10,
        "limits": {"concurrent_users": 3, "requests": 500, "connections": 60, "seconds": 600},
    }
    if answers["login"] != "static":
        target["accounts"] = {"file": f"${{{answers['accounts_variable']}}}"}
    body = yaml.safe_dump(
        {"target": target, "cases": ["auth", "websocket"], "expectation": "pass"},
        sort_keys=False,
        allow_unicode=True,
        width=100,
    )
    return (
        f"# yaml-language-server: $schema={SCHEMA_URL}\n"
        f"# Check it against the live system: golden-path target check --env {answers['name']}\n"
        f"{body}"
    )


def _auth(answers: Mapping[str, str]) -> dict[str, Any]:
    base = answers["base"].rstrip("/")
    url = f"{base}{answers.get('login_path', '')}"
    auth: dict[str, Any] = {}
    match answers["login"]:
        case "static":
            auth["token"] = {"static": f"${{{answers['token_variable']}}}"}
        case "oauth2":
            auth["oauth2"] = {"token_url": url}
            auth["token"] = _token(answers["token"])
        case "json" | "form" as how:
            fields = {
                answers["user_field"]: f"{{user.{answers['user_field']}}}",
                "password": "{user.password}",
            }
            auth["login"] = {"method": "POST", "url": url, how: fields}
            auth["token"] = _token(answers["token"])
        case other:
            raise ValueError(f"login: {other!r}; allowed: json, form, oauth2, static")
    if answers["who_am_i"]:
        validator = {"url": f"{base}{answers['who_am_i']}", "bearer": "{token}"}
        auth["validators"] = {"api": validator}
    return auth


def _token(answer: str) -> dict[str, str]:
    kind, _, name = answer.partition(" ")
    return {"cookie": name} if kind == "cookie" and name else {"body": answer}


def _websocket(answers: Mapping[str, str]) -> dict[str, Any]:
    try:
        request = json.loads(answers["request"])
    except ValueError as error:
        raise ValueError(f"request: not JSON: {error}") from None
    websocket: dict[str, Any] = {
        "url": answers["socket"],
        "transport": answers["transport"],
        "present_token": answers["present_token"],
        "request": request,
        "events": {"agent_completed": answers["completed"]},
    }
    if answers["answer"]:
        websocket["answer"] = answers["answer"]
    if answers["present_token"] == "first_message":
        websocket["first_message"] = {"type": "auth", "token": "{token}"}
    return websocket
