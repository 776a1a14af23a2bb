"""What a command says of what it refuses."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gp_helpers.cli.main import main
from gp_helpers.evidence import ExitStatus


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where nothing is to be made."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What is said of bad usage, whoever finds it: the parser, or the command.

    Nothing is made in the working directory.
    """
    before = sorted(os.listdir())
    try:
        status = main(words)
    except SystemExit as ended:
        status = ended.code  # type: ignore[assignment]
    assert status == ExitStatus.USAGE
    assert sorted(os.listdir()) == before
    return capsys.readouterr().err
