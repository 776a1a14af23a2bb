"""`golden-path lab` becomes JupyterLab, with the options that it was given."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from gp_helpers.cli.main import main


@pytest.mark.parametrize(
    ("given", "handed_on"),
    [
        ([], []),
        (["--no-browser"], ["--no-browser"]),
        (["--port", "9999", "--ip=::1"], ["--port", "9999", "--ip=::1"]),
        (["--", "--no-browser"], ["--no-browser"]),
    ],
    ids=" ".join,
)
def test_lab_hands_on_what_it_is_given(
    given: list[str], handed_on: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    become: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda _, words: become.append(words) or sys.exit(0))
    with pytest.raises(SystemExit):
        main(["lab", *given])
    [[_, dash, module, folder, *options]] = become
    assert [dash, module, Path(folder).name] == ["-m", "jupyterlab", "notebooks"]
    assert options == handed_on
