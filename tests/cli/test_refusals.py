"""What a command does not understand, or would ignore, is refused before anything is made."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.refusing import elsewhere as elsewhere
from tests.support.refusing import refused

CASE = "auth.timing"
LONG = "x" * 300
DEPLOYMENT = "target: {kind: deployment, limits: {}, auth: {token: {static: x}}}\n"


@pytest.mark.parametrize(
    "words",
    [
        ["run", "--jobs"],
        ["run", "--trials"],
        ["run", "--users"],
        ["soak", CASE, "--jobs"],
        ["soak", CASE, "--trials"],
        ["matrix", CASE, "--jobs"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("count", ["0", "-1", "two"])
def test_a_count_is_a_whole_number_of_at_least_one(
    words: list[str], count: str, capsys: pytest.CaptureFixture[str]
) -> None:
    told = f"argument {words[-1]}: expected a whole number of at least 1, found '{count}'\n"
    assert refused([*words, count], capsys).endswith(told)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["matrix", CASE, "--defects", "auth.prefix_cach"], "did you mean 'auth.prefix_cache'?"),
        (["matrix", CASE, "--defects", "nope"], "--defects: unknown defect 'nope'; known: auth."),
        (["matrix", CASE, "--together", "--defects", "auth.prefix_cache"], "--defects: not with"),
        (["platform", "serve", "--wiring", "nope"], "unknown defect 'nope'; known: auth."),
        (["soak", CASE, "--keep", "/dev/null/x"], "cannot write /dev/null/x: Not a directory\n"),
        (["soak", "--env", "guest.yaml", "--isolation", "thread"], "--isolation: concerns"),
        (["run", "--outputs", "/dev/null"], "-as_reported-"),
        (["run", "--env", "./"], "./: it is a folder; name a YAML file in it\n"),
        (["run", "--env", "nowhere/mine.yaml"], "nowhere/mine.yaml: there is no such file"),
        (["run", "--env", f"{LONG}.yaml"], ".yaml: there is no such file that can be read\n"),
        (["recheck", LONG], ": cannot be read: File name too long\n"),
        (["report", LONG], ": File name too long"),
        (["run", "--bogus"], "unrecognized arguments: --bogus\n"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_is_refused_is_named(
    words: list[str], told: str, elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (elsewhere / "guest.yaml").write_text(DEPLOYMENT)
    said = refused(words, capsys)
    assert told in said
    assert "still there" not in said
