"""Nothing is green unless it ran: absent tools, undeclared skips, and sessions that run nothing."""

import os
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy

from tests.support.needs import NEEDS
from tests.support.postgresql import throwaway_postgresql

ROOT = Path(__file__).parents[2]

PASSING = "def test_passes():\n    assert True\n"
NEEDS_CHROMIUM = """
import pytest

@pytest.mark.needs("chromium")
def test_in_a_browser():
    raise AssertionError
"""


def run_pytest(
    folder: Path, source: str, *arguments: str, path: str = ""
) -> "subprocess.CompletedProcess[str]":
    """Run one test module under the project's own conftest, with PATH as given."""
    tests = folder / "tests"
    tests.mkdir()
    shutil.copy(ROOT / "tests" / "conftest.py", tests)
    shutil.copytree(ROOT / "tests" / "support", tests / "support")
    (folder / "pytest.ini").write_text(
        "[pytest]\npythonpath = .\naddopts = --import-mode=importlib\n"
    )
    (tests / "test_sample.py").write_text(source)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "tests", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_an_absent_tool_is_named_under_its_own_heading(tmp_path: Path) -> None:
    ran = run_pytest(tmp_path, PASSING + NEEDS_CHROMIUM)
    assert ran.returncode == 0, ran.stdout
    heading = ran.stdout.index("Not run here")
    assert "test_in_a_browser: no Chromium here" in ran.stdout[heading:]
    assert "1 passed, 1 skipped" in ran.stdout


def test_an_absent_tool_that_is_required_is_a_failure(tmp_path: Path) -> None:
    ran = run_pytest(tmp_path, PASSING + NEEDS_CHROMIUM, "--require", "chromium")
    assert ran.returncode == pytest.ExitCode.USAGE_ERROR
    assert "--require chromium: no Chromium here" in ran.stderr


def test_a_tool_that_is_there_is_used(tmp_path: Path) -> None:
    commands = tmp_path / "commands"
    commands.mkdir()
    browser = commands / "chromium"
    browser.write_text("#!/bin/sh\n")
    browser.chmod(0o755)
    source = "def test_browser(chromium_path):\n    assert chromium_path.name == 'chromium'\n"
    ran = run_pytest(tmp_path, source, "--require", "chromium", path=str(commands))
    assert ran.returncode == 0, ran.stdout
    assert "1 passed" in ran.stdout


def test_an_unknown_requirement_lists_the_known_ones(tmp_path: Path) -> None:
    ran = run_pytest(tmp_path, PASSING, "--require", "chrome")
    assert ran.returncode == pytest.ExitCode.USAGE_ERROR
    assert "unknown need 'chrome'; known: chromium, postgresql" in ran.stderr


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import pytest\npytest.importorskip('no_such_module')\n" + PASSING, "Skipped without"),
        (
            PASSING + "import pytest\ndef test_skips():\n    pytest.skip('later')\n",
            "Skipped without",
        ),
        (NEEDS_CHROMIUM, "No test ran"),
        ("", "No test ran"),
    ],
    ids=[
        "module skipped on import",
        "undeclared skip",
        "only tests that could not run",
        "nothing collected",
    ],
)
def test_what_ran_nothing_is_never_green(tmp_path: Path, source: str, said: str) -> None:
    ran = run_pytest(tmp_path, source)
    assert ran.returncode != 0, ran.stdout
    assert said in ran.stdout


@pytest.mark.needs("postgresql")
def test_the_throwaway_server_leaves_nothing_behind() -> None:
    binaries = NEEDS["postgresql"].find()
    assert binaries is not None
    with throwaway_postgresql(binaries) as url:
        engine = sqlalchemy.create_engine(url)
        with engine.connect() as connection:
            folder = Path(
                connection.execute(sqlalchemy.text("show unix_socket_directories")).scalar_one()
            )
            version = connection.execute(sqlalchemy.text("show server_version_num")).scalar_one()
        engine.dispose()
        process = int((folder / "data" / "postmaster.pid").read_text().splitlines()[0])
        assert int(version) >= 130000
    assert not folder.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


SERVER_OF_A_KILLED_OWNER = """
import sys
from pathlib import Path
from tests.support.postgresql import throwaway_postgresql
with throwaway_postgresql(Path(sys.argv[1])) as url:
    print(url, flush=True)
    sys.stdin.read()
"""


@pytest.mark.needs("postgresql")
@pytest.mark.skipif(
    sys.platform != "linux", reason="not run here: the parent's death signal is Linux's"
)
def test_the_throwaway_server_ends_with_an_owner_that_is_killed() -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", SERVER_OF_A_KILLED_OWNER, str(NEEDS["postgresql"].find())],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert owner.stdout is not None
    assert owner.stdin is not None
    url = sqlalchemy.make_url(owner.stdout.readline().strip())
    folder = Path(str(url.query["host"]))
    process = int((folder / "data" / "postmaster.pid").read_text().splitlines()[0])
    server = os.pidfd_open(process)
    try:
        owner.kill()
        owner.wait()
        ended, _, _ = select.select([server], [], [], 10)
        if not ended:
            signal.pidfd_send_signal(server, signal.SIGQUIT)
        assert ended, "the server outlived its owner"
    finally:
        os.close(server)
        owner.stdin.close()
        owner.stdout.close()
        shutil.rmtree(folder)
