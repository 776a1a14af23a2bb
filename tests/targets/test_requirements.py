"""What a target needs and is not there is told with its place, before anything is made."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.refusing import elsewhere as elsewhere
from tests.support.refusing import refused

CASE = "auth.timing"


@pytest.mark.parametrize(
    "words",
    [["run"], ["soak", CASE], ["matrix", CASE], ["target", "check", "--env", "as_reported"]],
    ids=" ".join,
)
def test_a_store_of_no_known_kind_keeps_everything_from_starting(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", "foo://somebody:hunter2000@x")
    assert refused(words, capsys) == (
        "DATABASE_URL: found foo://…; allowed: postgresql://USER:PASSWORD@HOST/DATABASE\n"
    )


@pytest.mark.parametrize(
    ("variable", "stated", "told"),
    [
        ("DATABASE_URL", "sqlite:///mine.db", "found sqlite://…; allowed: postgresql://"),
        ("DATABASE_URL", "postgresql+asyncpg://u:p@h/d", "found postgresql+asyncpg://…; allowed"),
        ("DATABASE_URL", "postgresql+pg8000://u:p@h/d", "its driver cannot be imported"),
        ("DATABASE_URL", "postgresql://u:p@h:port/d", "found postgresql://…; allowed"),
        ("DATABASE_URL", "mine.db", "no URL; allowed"),
        ("MODEL_BASE_URL", "localhost:8000/v1", "no URL; allowed: http:// or https://"),
        ("MODEL_BASE_URL", "ftp://x/v1", "found ftp://…; allowed"),
        ("MODEL_BASE_URL", "http://[x/v1", "found http://…; allowed"),
    ],
)
def test_what_the_embedded_platform_cannot_stand_on_is_told_without_its_secrets(
    variable: str,
    stated: str,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(variable, stated)
    said = refused(["platform", "serve"], capsys)
    assert said.startswith(f"{variable}: {told}")
    assert "u:p" not in said


@pytest.mark.parametrize("words", [["run"], ["soak"], ["target", "check"]], ids=" ".join)
def test_an_unknown_defect_in_a_file_is_named_with_its_line(
    words: list[str], elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (elsewhere / "mine.yaml").write_text(
        "target:\n  kind: embedded\n  wiring:\n    defects:\n"
        "      - auth.prefix_cache\n      - auth.prefix_cach\n"
    )
    assert refused([*words, "--env", "mine.yaml"], capsys) == (
        "mine.yaml: line 6: target.wiring.defects.1: unknown defect 'auth.prefix_cach'; "
        "did you mean 'auth.prefix_cache'?\n"
    )
