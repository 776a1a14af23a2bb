"""A first parameter file, from a dozen answers; `target check` shows the rest.

For a deployment, which runs somewhere, or for applications of one's own that the workbook starts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

KINDS = ("deployment", "asgi")
NONE = "-"
"""The answer that stands for nothing, where a default would be taken otherwise."""
_DEPLOYMENT = ("kind", ("deployment",))
_ASGI = ("kind", ("asgi",))
_LOGS_IN = ("login", ("json", "form", "oauth2"))
_BY_PASSWORD = ("login", ("json", "form"))


@dataclass(frozen=True, slots=True)
class Ask:
    """One question to whoever writes the file."""

    key: str
    text: str
    default: str
    only_if: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Keys and their answers for which this is asked; no answers stands for any but none."""


ASKS = (
    Ask("kind", "What is it: deployment (runs somewhere) or asgi (your applications, started here)",
        "deployment"),
    Ask("name", "What is it called", "staging"),
    Ask("base", "Base URL over HTTP", "https://api.example.com", (_DEPLOYMENT,)),
    Ask("path", "Folder for the import path of your applications", ".", (_ASGI,)),
    Ask("backend_app", "The backend: import string, package.module:name", "main:app", (_ASGI,)),
    Ask("backend_factory", "Is that a function that returns the application: yes or no", "no",
        (_ASGI,)),
    Ask("ready_path", "Path that is answered as soon as the backend serves, - for none", "/health",
        (_ASGI,)),
    Ask("auth_app", "An auth application of its own: import string, - for none", "", (_ASGI,)),
    Ask("auth_variable", "Environment variable in which the backend gets its URL", "AUTH_URL",
        (_ASGI, ("auth_app", ()))),
    Ask("login", "Login: json, form, oauth2 or static", "json"),
    Ask("login_path", "Path of the login", "/auth/login", (_LOGS_IN,)),
    Ask("user_field", "Name of the user's field", "email", (_BY_PASSWORD,)),
    Ask("password_field", "Name of the password's field", "password", (_BY_PASSWORD,)),
    Ask("token", "Token: JMESPath path in the response, or cookie NAME", "body.access_token",
        (_LOGS_IN,)),
    Ask("token_variable", "Environment variable that holds the token", "TARGET_TOKEN",
        (("login", ("static",)),)),
    Ask("register_path", "Path that registers a fresh user, - for accounts in a file",
        "/auth/register", (_ASGI, _BY_PASSWORD)),
    Ask("accounts_variable", "Environment variable that names the file of accounts",
        "TARGET_ACCOUNTS_FILE", (_LOGS_IN, ("register_path", ("",)))),
    Ask("who_am_i", "Path that needs the token (a validator), - for none", "/api/me"),
    Ask("socket", "URL of the socket", "wss://api.example.com/ws", (_DEPLOYMENT,)),
    Ask("socket_path", "Path of the socket", "/ws", (_ASGI,)),
    Ask("transport", "Transport: json, socketio or package.module:Class", "json"),
    Ask("present_token", "The socket gets the token in: header, subprotocol, query, cookie, "
        "first_message or none", "header"),
    Ask("ready", "What says that the socket serves (JMESPath over the message), - for nothing", ""),
    Ask("request", "A question as the socket takes it (JSON; {text}, {request_id}, {thread_id})",
        '{"type": "message", "id": "{request_id}", "text": "{text}"}'),
    Ask("correlate", "What says of a message that it is about that question (JMESPath with "
        "{request_id}), - for nothing", ""),
    Ask("completed", "What ends an answer (JMESPath over the message)", "type == 'done'"),
    Ask("answer", "Where the answer is in it (JMESPath), - if unknown", ""),
)  # fmt: skip


def is_asked(ask: Ask, answers: Mapping[str, str]) -> bool:
    """Whether a question makes sense after what was answered so far."""
    return all(
        answers.get(key, "") in wanted if wanted else bool(answers.get(key))
        for key, wanted in ask.only_if
    )


def answer_to(ask: Ask, given: str) -> str:
    """What was answered: nothing given takes the default, a dash stands for nothing."""
    return "" if given == NONE else given or ask.default


def first_version(answers: Mapping[str, str], *, environment: str, schema: str) -> str:
    """The text of the file. ``ValueError`` says which answer cannot be used.

    ``environment`` is what ``--env`` takes for it, ``schema`` where an editor finds the schema.
    """
    target: dict[str, Any] = {"kind": answers["kind"], "name": answers["name"]}
    match answers["kind"]:
        case "deployment":
            base = auth_base = answers["base"].rstrip("/")
            socket = answers["socket"]
        case "asgi":
            target |= _applications(answers)
            base = "{backend.url}"
            auth_base = "{auth.url}" if answers["auth_app"] else base
            socket = f"{{backend.ws_url}}{answers['socket_path']}"
        case other:
            raise ValueError(f"kind: {other!r}; allowed: {', '.join(KINDS)}")
    target |= {
        "auth": _auth(answers, base, auth_base),
        "websocket": _websocket(answers, socket),
        "silence_after_s": 10 if answers["kind"] == "deployment" else 1,
    }
    if answers["kind"] == "deployment":
        target["limits"] = {
            "concurrent_users": 3,
            "requests": 500,
            "connections": 60,
            "seconds": 600,
        }
    if answers["register_path"]:
        register = {"method": "POST", "url": f"{auth_base}{answers['register_path']}"}
        target["accounts"] = {"register": {**register, answers["login"]: _credentials(answers)}}
    elif answers["login"] != "static":
        target["accounts"] = {"file": f"${{{answers['accounts_variable']}}}"}
    body = yaml.safe_dump(
        {"target": target, "cases": ["auth", "websocket"], "expectation": "pass"},
        sort_keys=False,
        allow_unicode=True,
        width=100,
    )
    return (
        f"# yaml-language-server: $schema={schema}\n"
        f"# Check it against the live system: golden-path target check --env {environment}\n"
        f"{body}"
    )


def _applications(answers: Mapping[str, str]) -> dict[str, Any]:
    backend: dict[str, Any] = {"app": answers["backend_app"]}
    applications: dict[str, Any] = {"backend": backend}
    if answers["backend_factory"] == "yes":
        backend["factory"] = True
    if answers["ready_path"]:
        backend["ready_path"] = answers["ready_path"]
    if answers["auth_app"]:
        applications = {"auth": {"app": answers["auth_app"]}, **applications}
        backend["environment"] = {answers["auth_variable"]: "{auth.url}"}
    return {"path": [answers["path"]], "applications": applications}


def _credentials(answers: Mapping[str, str]) -> dict[str, str]:
    """Accounts in a file have keys of their own; whoever is made afresh is an e-mail address."""
    user, password = answers["user_field"], answers["password_field"]
    if answers["register_path"]:
        return {user: "{user.email}", password: "{user.password}"}
    return {user: f"{{user.{user}}}", password: f"{{user.{password}}}"}


def _auth(answers: Mapping[str, str], base: str, auth_base: str) -> dict[str, Any]:
    url = f"{auth_base}{answers['login_path']}"
    auth: dict[str, Any] = {}
    match answers["login"]:
        case "static":
            auth["token"] = {"static": f"${{{answers['token_variable']}}}"}
        case "oauth2":
            auth["oauth2"] = {"token_url": url}
            auth["token"] = _token(answers["token"])
        case "json" | "form" as how:
            auth["login"] = {"method": "POST", "url": url, how: _credentials(answers)}
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


def _websocket(answers: Mapping[str, str], url: str) -> dict[str, Any]:
    try:
        request = json.loads(answers["request"])
    except ValueError as error:
        raise ValueError(f"request: not JSON: {error}") from None
    websocket: dict[str, Any] = {
        "url": url,
        "transport": answers["transport"],
        "present_token": answers["present_token"],
        **({"ready": answers["ready"]} if answers["ready"] else {}),
        "request": request,
        **({"correlate": answers["correlate"]} if answers["correlate"] else {}),
        "events": {"agent_completed": answers["completed"]},
    }
    if answers["answer"]:
        websocket["answer"] = answers["answer"]
    if answers["present_token"] == "first_message":
        websocket["first_message"] = {"type": "auth", "token": "{token}"}
    return websocket
