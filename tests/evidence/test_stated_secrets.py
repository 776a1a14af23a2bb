"""What is known to be a secret before anything runs: by its name, its looks, or as an account's."""

import json
from pathlib import Path

import pytest

from gp_helpers.evidence.stated_secrets import (
    account_secrets,
    environment_secrets,
    redactor_for,
    stated_secrets,
)
from gp_helpers.history.redaction import ACCOUNT
from gp_helpers.parameters import EmbeddedTarget

SECRETS = (
    "pat-51ab09ffe2c4",
    "Tr0ub4dor&3",
    "hunter2",
    "two words",
    "https://ada:pass@host.example/",
    "https://host.example/hook?sig=51ab09",
    "https://hooks.example/services/T000/XXXX12345678abcdEFGH",
    "https://hooks.example/services/T000/abcdefghijklmnopqrstuvwx",
    "/Qe3mZ9vT41kLxPw0aB7==",
    "svcbot:482910482177",
    '[{"email": "ada@a.example", "password": "p"}]',
)
PLAIN = (
    "https://api.example:8443/v1",
    "https://service-abc123-uc.a.run.example",
    "ws://127.0.0.1:8080/ws",
    "127.0.0.1:54321",
    "/srv/tests/a0/accounts.yaml",
    "/tmp/of-root-12/test_with_a_long_name_and_2_digits0/x",
    "./accounts-2.yaml",
    "staging",
    "8080",
    "1.5",
    "ada@a.example",
)


def test_secrets_of_the_environment_are_known_by_their_names() -> None:
    environ = {
        "STAGING_PASSWORD": "short1",
        "SERVICE_SECRET": "s3cret-of-the-service",
        "API_KEY": "abcdefghijkl",
        "MODEL_API_KEY": "sk-1234567890abcdef",
        "PASSWORD": "password",
        "HOME": "/srv/somebody-1234",
        "SSL_CERT_PRIVATE_KEY": "/etc/ssl/private-key1.pem",
    }
    assert set(environment_secrets(None, environ)) == {
        "s3cret-of-the-service",
        "sk-1234567890abcdef",
    }
    assert "short1" in environment_secrets({"password": "${STAGING_PASSWORD}"}, environ)


@pytest.mark.parametrize("value", SECRETS)
def test_what_parameters_refer_to_is_a_secret_under_any_name(value: str) -> None:
    assert environment_secrets({"headers": {"X": "${L_VALUE}"}}, {"L_VALUE": value}) == [value]
    assert environment_secrets({"headers": {}}, {"L_VALUE": value}) == []


@pytest.mark.parametrize("name", ["L_HMAC", "L_SERVICE_KEY", "L_PAT", "SLACK_WEBHOOK"])
def test_some_names_are_a_secrets_where_parameters_refer_to_them(name: str) -> None:
    assert environment_secrets({"query": {"x": f"${{{name}}}"}}, {name: "letters"}) == ["letters"]
    assert environment_secrets({}, {name: "letters"}) == []


@pytest.mark.parametrize("value", PLAIN)
def test_addresses_paths_words_and_numbers_are_none(value: str) -> None:
    assert environment_secrets({"url": "${L_VALUE}"}, {"L_VALUE": value}) == []
    assert environment_secrets({"url": "${L_TOKEN}"}, {"L_TOKEN": value}) == [value]


ACCOUNTS = [
    {"email": "ada@a.example", "password": "Pw-ada-71", "role": "admin"},
    {"email": "bob@a.example", "password": "Pw-bob-72", "client_secret": "of-the-client"},
    {"email": "cy@a.example", "id": "user-73", "phrase": "three words 73", "plan": "basic"},
]


def stated(**accounts: str) -> dict[str, object]:
    return {"target": {"kind": "deployment", "accounts": accounts}}


def test_the_secrets_of_all_accounts_are_known(tmp_path: Path) -> None:
    environ = {"L_ACCOUNTS": json.dumps(ACCOUNTS)}
    passwords = dict.fromkeys(("Pw-ada-71", "Pw-bob-72", "of-the-client"), "password")
    passwords["three words 73"] = ACCOUNT
    assert account_secrets(stated(inline="${L_ACCOUNTS}"), environ) == passwords
    path = tmp_path / "accounts.json"
    path.write_text(json.dumps(ACCOUNTS))
    assert account_secrets(stated(file="${L_FILE}"), {"L_FILE": str(path)}) == passwords
    assert account_secrets(stated(inline=json.dumps(ACCOUNTS)), {}) == passwords


@pytest.mark.parametrize(
    "parameters",
    [None, {"target": None}, stated(), stated(inline="${NOT_SET}"), stated(file="/not/there")],
)
def test_accounts_that_cannot_be_had_hold_none(parameters: object) -> None:
    assert account_secrets(parameters, {}) == {}


def test_a_password_leaves_no_fingerprint_by_which_it_could_be_guessed() -> None:
    environ = {"L_ACCOUNTS": json.dumps(ACCOUNTS), "L_KEY": "drawn-by-lot-51ab"}
    parameters = stated(inline="${L_ACCOUNTS}") | {"key": "${L_KEY}"}
    redactor = redactor_for(EmbeddedTarget(), stated_secrets(parameters, environ))
    assert redactor.text("bob has Pw-bob-72") == "bob has ‹password›"
    assert redactor.text("signed drawn-by-lot-51ab").startswith("signed ‹environment ")
