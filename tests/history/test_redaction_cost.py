"""Redaction of what a hostile platform sends: its cost grows with the text, not with its square."""

from __future__ import annotations

import random
import re
import sys
import time
from string import ascii_lowercase

import pytest

from gp_helpers.history import Redactor
from gp_helpers.history.secret_forms import (
    ASSIGNED_IN_TEXT,
    JWT,
    SECRET_HEADERS,
    SECRET_WORDS,
    folded,
    has_any,
    tokens_in,
    with_tokens_replaced,
)

LENGTH = 100_000
SECONDS = 5.0
"""Far above what it takes on a loaded machine, far below what a square would take (minutes)."""


@pytest.mark.parametrize(
    "part",
    [
        "x",
        "eyJ",
        "eyJ.",
        "eyJab.a",
        "a.",
        "-",
        "@",
        "a@",
        "a%40",
        "://",
        "key=",
        "token_type=",
        '"',
    ],
)
def test_a_long_text_of_almost_secrets_is_redacted_in_time(part: str) -> None:
    redactor = Redactor(pseudonymise=True)
    redactor.register("a-registered-secret", "token")
    text = (part * LENGTH)[:LENGTH]
    began = time.perf_counter()
    redactor.value({"answer": text, "also": text + " a-registered-secret"})
    assert time.perf_counter() - began < SECONDS


def test_tokens_are_found_where_the_plain_expression_finds_them() -> None:
    source = random.Random(7)
    parts = ["eyJ", "eyA", "ew0", "ab", "Z9_-", ".", "..", "=", "==", " ", "x.y", "eyJhbGciOi", "@"]
    for _ in range(20_000):
        text = "".join(source.choices(parts, k=source.randrange(1, 24)))
        expected = JWT.sub("‹token›", text)
        assert with_tokens_replaced(text, lambda _: "‹token›") == expected, text


def test_assignments_inside_each_other_are_hidden_and_not_followed_without_end() -> None:
    text = "token_type=" * 5_000 + "password=hunter2hunter2"
    assert "hunter2" not in Redactor().text(text)


def test_tokens_are_found_one_by_one_where_the_plain_expression_finds_them() -> None:
    source = random.Random(11)
    parts = ["eyJ", "ew0", "ab", "Z9_-", ".", "..", "=", " ", "x.y", "eyJhbGciOi", "@"]
    for _ in range(5_000):
        text = "".join(source.choices(parts, k=source.randrange(1, 24)))
        expected = [(match.start(), match[0]) for match in JWT.finditer(text)]
        assert list(tokens_in(text)) == expected, text


def test_words_are_found_wherever_an_expression_finds_them_case_ignored() -> None:
    letter = re.compile("[a-z]", re.IGNORECASE)
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        if letter.fullmatch(character):
            [alike] = [one for one in ascii_lowercase if re.fullmatch(one, character, re.I)]
            assert folded(character) == alike
    assert has_any(folded("a Se\u017f\u017f\u0130on"), SECRET_WORDS)


def test_every_secret_header_is_named_by_a_word_that_names_secrets() -> None:
    assert all(has_any(header, SECRET_WORDS) for header in SECRET_HEADERS)


@pytest.mark.parametrize(
    "key",
    [
        *("passwd", "password", "passphrase", "pwd", "secret", "api_key", "private-key"),
        *("access_key", "signing_key", "credential", "token", "jwt", "cookie", "session_id"),
        *("sessionid", "authorization", "bearer", "assertion"),
    ],
)
def test_looking_for_words_first_leaves_no_assignment_out(key: str) -> None:
    assert ASSIGNED_IN_TEXT.search(f"{key}=hunter2hunter2")
    for written in (key, key.upper(), key.replace("s", "\u017f")):
        assert "hunter2" not in Redactor().text(f"GET /?{written}=hunter2hunter2")
