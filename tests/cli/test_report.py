"""`golden-path report` says what the run that it finishes says, and loses nothing."""

import subprocess
import sys
from pathlib import Path

import pytest

from gp_helpers.cli.main import main
from gp_helpers.evidence import bundle, finalise
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


NO_PERMISSION = """
import os, sys
from gp_helpers.cli.main import main
import gp_helpers.cli.report, gp_helpers.cloud_run.rules, gp_helpers.platform.defects.catalogue
if os.geteuid() == 0:
    os.setgid(65534); os.setuid(65534)
for options in ([], ["--patterns"], ["--bundle"]):
    print(main(["report", sys.argv[1], *options]), flush=True)
"""


def test_where_nothing_can_be_written_nothing_is_lost(tmp_path: Path) -> None:
    outputs = tmp_path / "outputs"
    run = finalise(a_run(outputs)).path
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    tmp_path.chmod(0o755)
    run.chmod(0o555)
    outputs.chmod(0o555)
    ran = subprocess.run(
        [sys.executable, "-c", NO_PERMISSION, "outputs/run-1"],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=tmp_path,  # what is above it may be nobody else's to look into
    )
    for folder in (outputs, run):
        folder.chmod(0o755)
    assert ran.stdout.split() == ["3", "3", "3"], ran.stderr
    report, patterns, bundled = ran.stderr.splitlines()
    assert report == (
        "cannot write outputs/run-1/manifest.json: Permission denied; "
        "what outputs/run-1 recorded is still there"
    )
    assert patterns == "cannot write outputs/run-1-patterns/auth.md: Permission denied"
    assert bundled == "cannot write outputs/run-1.zip: Permission denied"
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--suite", "auth"], "--suite: goes with --patterns"),
        (["--suite", "auth", "--bundle"], "--suite: goes with --patterns"),
        (["--to", "x"], "--to: goes with --bundle or --patterns"),
        (["--patterns", "--suite", "websocket"], "has no case of it; it has: auth"),
        (["--patterns", "--suite", "nope"], "unknown suite 'nope'"),
        (["--patterns", "--to", "/dev/null/x"], "cannot write /dev/null/x/auth.md: Not a"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_would_be_ignored_is_refused_and_nothing_is_written(
    options: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = a_run(tmp_path / "outputs")
    before = sorted(tmp_path.rglob("*"))
    assert main(["report", str(run), *options]) == 3
    assert told in capsys.readouterr().err
    assert sorted(tmp_path.rglob("*")) == before


def test_a_bundle_gives_its_patterns_and_is_not_written_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    packed = bundle(finalise(a_run(tmp_path / "outputs")).path, tmp_path / "run.zip").path
    assert main(["report", str(packed), "--patterns"]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'run-patterns' / 'auth.md'}\n"
    for options in ([], ["--bundle"]):
        assert main(["report", str(packed), *options]) == 3
        told = "a bundle is not written again: unpack it, and name its folder"
        assert capsys.readouterr().err == f"{packed}: {told}\n"
