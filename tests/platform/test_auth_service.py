"""The auth service on its own: accounts, tokens, their edges in time, and their end."""

from __future__ import annotations

from typing import Any

import pytest

from gp_helpers.platform.auth.tokens import bad_tokens

JWT_SECRET = "a-secret-that-only-the-auth-service-knows"
SERVICE = {"X-Service-ID": "backend", "X-Service-Secret": "service-secret"}


@pytest.fixture
def platform(start_platform: Any) -> Any:
    return start_platform()


def validate(platform: Any, token: str) -> dict[str, Any]:
    reply = platform.client.post(
        f"{platform.auth}/auth/validate", json={"token": token}, headers=SERVICE
    )
    assert reply.status_code == 200
    return reply.json()


def test_wrong_passwords_and_unknown_accounts_get_the_same_answer(platform: Any) -> None:
    user = platform.new_user()
    for credentials in (
        {"email": user.email, "password": "not the password"},
        {"email": "nobody@example.com", "password": "long enough"},
    ):
        reply = platform.client.post(f"{platform.auth}/auth/login", json=credentials)
        assert reply.status_code == 401
        assert reply.json()["error"]["code"] == "invalid_credentials"


def test_an_address_registers_once_whatever_its_case(platform: Any) -> None:
    user = platform.new_user()
    reply = platform.client.post(
        f"{platform.auth}/auth/register",
        json={"email": user.email.upper(), "password": "long enough"},
    )
    assert (reply.status_code, reply.json()["error"]["code"]) == (409, "email_taken")


def test_a_good_token_is_valid_and_names_its_user(platform: Any) -> None:
    user = platform.new_user()
    reply = validate(platform, user.access_token)
    assert reply["expires_at"] - reply["issued_at"] == pytest.approx(900)
    assert {name: reply[name] for name in ("valid", "user_id", "email", "permissions")} == {
        "valid": True,
        "user_id": user.id,
        "email": user.email,
        "permissions": ["chat:read", "chat:write", "billing:read"],
    }
    me = platform.client.get(f"{platform.auth}/auth/me", headers=user.bearer).json()
    assert me["user"] == {"id": user.id, "email": user.email, "name": user.name}


def test_each_bad_token_is_refused_with_its_reason(platform: Any) -> None:
    user = platform.new_user()
    tokens = {**bad_tokens(user.access_token, JWT_SECRET), "refresh": user.refresh_token}
    tokens["garbage"] = "garbage"
    refusals = {name: validate(platform, token) for name, token in tokens.items()}
    assert refusals == {
        "expired": {"valid": False, "error": {"code": "token_expired"}},
        "wrong_audience": {"valid": False, "error": {"code": "token_audience"}},
        "wrong_signature": {"valid": False, "error": {"code": "token_signature"}},
        "alg_none": {"valid": False, "error": {"code": "token_signature"}},
        "missing_jti": {"valid": False, "error": {"code": "token_claims"}},
        "refresh": {"valid": False, "error": {"code": "token_type"}},
        "garbage": {"valid": False, "error": {"code": "token_malformed"}},
    }


@pytest.mark.parametrize("headers", [{}, {**SERVICE, "X-Service-Secret": "guess"}])
def test_validation_is_for_known_services_only(platform: Any, headers: dict[str, str]) -> None:
    reply = platform.client.post(
        f"{platform.auth}/auth/validate", json={"token": "x"}, headers=headers
    )
    assert reply.status_code == 401
    assert reply.json()["error"]["code"] == "invalid_service_credentials"


def test_expiry_is_crossed_by_stepping_the_clock(platform: Any) -> None:
    user = platform.new_user()
    platform.step_clock(platform.auth, 899)
    assert validate(platform, user.access_token)["valid"] is True
    platform.step_clock(platform.auth, 902)
    assert validate(platform, user.access_token)["error"] == {"code": "token_expired"}
    platform.step_clock(platform.auth, -5)
    assert validate(platform, user.access_token)["error"] == {"code": "token_not_yet_valid"}


def test_refresh_rotates_and_reuse_revokes_the_family(platform: Any) -> None:
    user = platform.new_user()

    def refresh(token: str) -> Any:
        return platform.client.post(f"{platform.auth}/auth/refresh", json={"refresh_token": token})

    rotated = refresh(user.refresh_token)
    assert rotated.status_code == 200
    successor = rotated.json()
    assert successor["refresh_token"] != user.refresh_token
    assert validate(platform, successor["access_token"])["user_id"] == user.id

    reused = refresh(user.refresh_token)
    assert (reused.status_code, reused.json()["error"]["code"]) == (401, "refresh_reused")
    dead = refresh(successor["refresh_token"])
    assert (dead.status_code, dead.json()["error"]["code"]) == (401, "token_revoked")
    shown_as_refresh = refresh(user.access_token)
    assert shown_as_refresh.json()["error"]["code"] == "token_type"


def test_logout_ends_the_token_and_its_family_and_nobody_elses(platform: Any) -> None:
    user, other = platform.new_user(), platform.new_user()
    reply = platform.client.post(f"{platform.auth}/auth/logout", headers=user.bearer)
    assert reply.status_code == 204
    assert validate(platform, user.access_token)["error"] == {"code": "token_revoked"}
    refreshed = platform.client.post(
        f"{platform.auth}/auth/refresh", json={"refresh_token": user.refresh_token}
    )
    assert refreshed.status_code == 401
    assert validate(platform, other.access_token)["valid"] is True
