"""`golden-path report` says what the run that it finishes says, secrets included."""

from pathlib import Path

import pytest

from gp_helpers.cli.main import main
from tests.evidence.stories import a_run

SECRET = "canary-key-51ab09ffe2"


def test_a_secret_that_is_found_is_told_and_in_the_exit_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = a_run(tmp_path / "outputs")
    monkeypatch.setenv("PLANTED_API_KEY", SECRET)
    (run / "logs").mkdir(exist_ok=True)
    (run / "logs" / "service.log").write_text(f"begins\nit is {SECRET}\n")
    assert main(["report", str(run)]) == 4
    told = capsys.readouterr().out
    assert "SECRETS were found" in told
    assert "logs/service.log, line 2: a known secret" in told
    assert SECRET not in told


def test_without_a_secret_the_exit_status_is_that_of_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = a_run(tmp_path / "outputs")
    assert main(["report", str(run)]) in (1, 2)
    assert "SECRETS" not in capsys.readouterr().out
