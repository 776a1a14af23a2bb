"""The description of the embedded platform: contract and addresses, in a deployment's own words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gp_helpers.parameters.description import Description

SERVICE_ID = "golden-path-probe"
"""The service id under which the probes ask the auth service about tokens."""


def _chat(base: str) -> dict[str, Any]:
    return {
        "method": "POST",
        "url": f"{base}/api/chat/messages",
        "bearer": "{token}",
        "json": {"thread_id": "{thread_id}", "content": "A note of mine."},
        "identity": "body.owner",
    }


def _threads(base: str) -> dict[str, Any]:
    return {
        "method": "GET",
        "url": f"{base}/api/threads",
        "bearer": "{token}",
        "identity": "body.owner",
    }


def embedded_description(
    *, auth_urls: Mapping[str, str], backend_urls: Mapping[str, str], ingress: str, model: str,
    service_secret: str,
) -> Description:  # fmt: skip
    """Describe a running embedded platform.

    ``auth_urls`` and ``backend_urls`` are single instances by name; with more than one of a kind
    each instance is a validator of its own, otherwise the ingress stands for the backend.
    """
    several = len(backend_urls) > 1
    auth = next(iter(auth_urls.values()))
    validators: dict[str, Any] = {
        name: {
            "method": "POST",
            "url": f"{url}/auth/validate",
            "headers": {"X-Service-ID": SERVICE_ID, "X-Service-Secret": service_secret},
            "json": {"token": "{token}"},
            "accepted": "status == `200` && body.valid == `true`",
            "identity": "body.user_id",
        }
        for name, url in auth_urls.items()
    }
    for prefix, base in backend_urls.items() if several else [("", ingress)]:
        name = f"{prefix} " if prefix else ""
        validators[f"{name}threads"] = _threads(base)
        validators[f"{name}chat"] = _chat(base)
    health = {name: {"url": f"{url}/health/ready"} for name, url in auth_urls.items()}
    health |= {name: {"url": f"{url}/health/ready"} for name, url in backend_urls.items()}
    health["model"] = {"url": f"{model}/health/ready"}
    return Description.model_validate(
        {
            "name": "embedded platform",
            "auth": {
                "login": {
                    "method": "POST",
                    "url": f"{auth}/auth/login",
                    "json": {"email": "{user.email}", "password": "{user.password}"},
                },
                "token": {"body": "body.access_token"},
                "refresh_token": "body.refresh_token",
                "user_id": "body.user.id",
                "expires_in": "body.expires_in",
                "validators": validators,
                "refresh": {
                    "method": "POST",
                    "url": f"{auth}/auth/refresh",
                    "json": {"refresh_token": "{refresh_token}"},
                },
                "logout": {"method": "POST", "url": f"{auth}/auth/logout", "bearer": "{token}"},
            },
            "accounts": {
                "register": {
                    "method": "POST",
                    "url": f"{auth}/auth/register",
                    "json": {
                        "email": "{user.email}",
                        "password": "{user.password}",
                        "name": "{user.name}",
                    },
                }
            },
            "conversation": {
                "create": {
                    "method": "POST",
                    "url": f"{ingress}/api/threads",
                    "bearer": "{token}",
                    "json": {"title": "{thread_title}"},
                },
                "id": "body.id",
            },
            "websocket": {
                "url": ingress.replace("http://", "ws://") + "/ws",
                "present_token": "header",
                "subprotocols": ["golden-path.v1"],
                "ready": "type == 'connection_established'",
                "identity": "data.user_id",
                "lifetime_s": "data.lifetime_s",
                "request": {
                    "type": "agent_request",
                    "id": "{request_id}",
                    "thread_id": "{thread_id}",
                    "message": "{text}",
                },
                "correlate": "request_id == '{request_id}'",
                "events": {
                    name: f"type == '{name}'"
                    for name in (
                        "agent_started",
                        "agent_thinking",
                        "tool_executing",
                        "tool_completed",
                        "agent_completed",
                    )
                },
                "answer": "data.result",
                "error": "type == 'error'",
                "event_id": "event_id",
                "event_owner": "user_id",
                "ping": {
                    "send": {"type": "ping", "id": "{ping_id}"},
                    "pong": "type == 'pong' && id == '{ping_id}'",
                },
                "resume": {"type": "resume", "last_event_id": "{last_event_id}"},
                "modes": {"advertised": {"url": f"{ingress}/ws/config"}, "names": "body.modes"},
                "priority": {"high": "high", "normal": "normal", "low": "low"},
                "in_the_name_of": {"user_id": "{user.id}", "thread_id": "{thread_id}"},
                "ignore": ["type == 'heartbeat'"],
            },
            "persistence": {
                "method": "GET",
                "url": f"{ingress}/api/threads/{{thread_id}}/messages",
                "bearer": "{token}",
                "identity": "body.owner",
                "items": "body.messages",
            },
            "billing": {
                "method": "GET",
                "url": f"{ingress}/api/billing",
                "bearer": "{token}",
                "identity": "body.owner",
            },
            "health": health,
            "ready": {"url": f"{ingress}/health/ready"},
        }
    )
