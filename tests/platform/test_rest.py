"""The remediated path over REST: register, log in, threads, messages, billing, errors."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def platform(start_platform: Any) -> Any:
    return start_platform()


def test_a_user_logs_in_and_sees_threads_and_billing_of_their_own(platform: Any) -> None:
    user = platform.new_user("marigold")
    created = platform.client.post(
        f"{platform.backend}/api/threads", json={"title": "Costs"}, headers=user.bearer
    )
    assert created.status_code == 201
    thread = created.json()
    assert thread["owner"] == user.id
    listed = platform.client.get(f"{platform.backend}/api/threads", headers=user.bearer)
    assert listed.json() == {"owner": user.id, "threads": [thread]}

    message = platform.client.post(
        f"{platform.backend}/api/chat/messages",
        json={"thread_id": thread["id"], "content": "hello"},
        headers=user.bearer,
    )
    assert message.status_code == 201
    read_back = platform.client.get(
        f"{platform.backend}/api/threads/{thread['id']}/messages", headers=user.bearer
    )
    assert read_back.json() == {
        "owner": user.id,
        "thread_id": thread["id"],
        "messages": [message.json()],
    }

    billing = platform.client.get(f"{platform.backend}/api/billing", headers=user.bearer).json()
    assert billing["owner"] == user.id
    assert 5 <= len(billing["items"]) <= 8
    assert all(item["project"].startswith("marigold-") for item in billing["items"])
    again = platform.client.get(f"{platform.backend}/api/billing", headers=user.bearer).json()
    assert again == billing


def test_a_thread_of_somebody_else_is_not_found(platform: Any) -> None:
    owner, other = platform.new_user(), platform.new_user()
    thread = platform.client.post(
        f"{platform.backend}/api/threads", json={}, headers=owner.bearer
    ).json()
    for path in (thread["id"], f"{thread['id']}/messages"):
        reply = platform.client.get(f"{platform.backend}/api/threads/{path}", headers=other.bearer)
        assert reply.status_code == 404
        assert reply.json()["error"]["code"] == "thread_not_found"
    reply = platform.client.post(
        f"{platform.backend}/api/chat/messages",
        json={"thread_id": thread["id"], "content": "mine?"},
        headers=other.bearer,
    )
    assert reply.json()["error"]["code"] == "thread_not_found"


@pytest.mark.parametrize(
    ("body", "named"),
    [(b"no json", "body"), (b'{"content": "x"}', "thread_id"), (b'{"thread_id": 3}', "thread_id")],
)
def test_bad_bodies_are_answered_with_what_is_wrong(platform: Any, body: bytes, named: str) -> None:
    user = platform.new_user()
    reply = platform.client.post(
        f"{platform.backend}/api/chat/messages",
        content=body,
        headers={**user.bearer, "X-Correlation-ID": "cor_of_the_test"},
    )
    assert reply.status_code == 400
    error = reply.json()["error"]
    assert error["code"] == "invalid_request"
    assert named in error["message"]
    assert error["retryable"] is False
    assert error["correlation_id"] == "cor_of_the_test"
    assert reply.headers["X-Correlation-ID"] == "cor_of_the_test"


def test_unknown_paths_and_methods_have_error_objects_too(platform: Any) -> None:
    missing = platform.client.get(f"{platform.backend}/nowhere")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "not_found")
    wrong = platform.client.put(f"{platform.backend}/api/threads")
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (405, "method_not_allowed")
    assert "GET" in wrong.headers["Allow"]


def test_health_and_diagnostics(platform: Any) -> None:
    for service in (platform.auth, platform.backend, platform.model):
        for path in ("live", "ready"):
            assert platform.client.get(f"{service}/health/{path}").status_code == 200
        assert platform.client.get(f"{service}/internal/state").status_code == 403
        assert platform.state(service)["in_flight"] == 0
    state = platform.state(platform.backend)
    assert state["readiness"] == {
        "store": True,
        "auth": True,
        "model": True,
        "event_manager": True,
        "address": True,
    }
    assert state["tasks"].get("warm-up", 0) == 0


def test_the_routers_decision_can_be_asked_for(platform: Any) -> None:
    def decide(**query: str) -> dict[str, Any]:
        reply = platform.client.get(
            f"{platform.backend}/internal/route",
            params=query,
            headers={"X-Golden-Path-Secret": "diagnostics"},
        )
        return reply.json()["decisions"]["router"]

    assert decide(message="Why did my costs go up?") == {"agent": "analysis"}
    assert decide(message="Why?", agent="planning") == {"agent": "planning"}
    assert decide(message="Hello") == {"agent": "triage"}
    assert decide(message="Hello", agent="nobody")["error"]["code"] == "unknown_agent"
