"""The plugin as users have it, without the project's own conftest: what ran nothing is a failure.

Each test runs pytest in a folder of its own, with modules as somebody else would write them.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from gp_helpers.history import read
from gp_helpers.plan import CASES, SUITES, Suite
from tests.support.sessions import session

CASE = "auth.validation_cascade"
THREADS = "target: {{kind: embedded, wiring: {wiring}, isolation: thread}}\n"
SKIPPED_CASES = """
import pytest

@pytest.mark.skip(reason="not run here: later")
def test_marked(golden_path):
    golden_path.assert_passes("auth.timing")

def test_in_its_body(golden_path):
    pytest.skip("not run here: no time")

@pytest.mark.xfail(run=False, reason="known")
def test_expected_to_fail_and_not_run(golden_path):
    golden_path.assert_passes("auth.timing")
"""
SKIPPED_ELSEWHERE = """
import pytest

def test_of_something_else():
    assert True

@pytest.mark.skip(reason="no business of the plugin")
def test_skipped():
    raise AssertionError
"""


def run(folder: Path, *arguments: str, **modules: str) -> subprocess.CompletedProcess[str]:
    """Run pytest with the plugin alone on these modules; ``__`` in a name is a folder."""
    for name, source in modules.items():
        path = folder / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    given = ("-p", "gp_helpers.pytest_plugin", "-p", "no:cacheprovider", "-rA")
    temporary = f"--basetemp={folder / 'temporary'}"
    return session("-m", "pytest", *given, temporary, *arguments, cwd=folder)


def test_a_skipped_case_is_a_failure_however_it_is_skipped(tmp_path: Path) -> None:
    ran = run(tmp_path, test_mine=SKIPPED_CASES)
    assert ran.returncode == 1, ran.stdout
    for name, reason in (
        ("test_marked", "not run here: later"),
        ("test_in_its_body", "not run here: no time"),
        ("test_expected_to_fail_and_not_run", "known"),
    ):
        told = rf"test_mine\.py::{name} was skipped: a failure; .*{reason}"
        assert re.search(told, ran.stdout), ran.stdout
    assert not re.search(r"\d+ (skipped|xfailed|passed)", ran.stdout)


def test_a_skipped_test_of_the_plan_is_a_failure_without_the_fixture(tmp_path: Path) -> None:
    name = CASES[CASE].test_name
    source = f"import pytest\n\ndef {name}():\n    pytest.skip('not run here: later')\n"
    ran = run(
        tmp_path, **{SUITES[Suite.AUTH].test_file.removesuffix(".py").replace("/", "__"): source}
    )
    assert ran.returncode == 1, ran.stdout
    assert f"{name} was skipped: a failure; Skipped: not run here: later" in ran.stdout


def test_other_tests_may_be_skipped(tmp_path: Path) -> None:
    ran = run(tmp_path, test_other=SKIPPED_ELSEWHERE)
    assert ran.returncode == 0, ran.stdout
    assert "1 passed, 1 skipped" in ran.stdout


@pytest.mark.parametrize(
    ("first_line", "said"),
    [
        ("import no_such_module", "could not be imported: a failure, none of its cases ran"),
        (
            "import pytest; pytest.importorskip('no_such_module')",
            "was skipped: a failure, none of its cases ran",
        ),
    ],
    ids=["import error", "skipped on import"],
)
def test_a_module_of_cases_that_is_not_imported_is_a_failure(
    first_line: str, said: str, tmp_path: Path
) -> None:
    case = f"{first_line}\n\ndef test_case(golden_path):\n    golden_path.run('{CASE}')\n"
    ran = run(tmp_path, test_mine=case, test_other=SKIPPED_ELSEWHERE)
    assert ran.returncode not in (0, 5), ran.stdout
    assert f"test_mine.py {said}" in ran.stdout
    assert "no_such_module" in ran.stdout


def test_nothing_collected_is_a_failure_that_says_so(tmp_path: Path) -> None:
    ran = run(tmp_path, test_mine="")
    assert ran.returncode == pytest.ExitCode.NO_TESTS_COLLECTED
    assert "no test was collected: a failure, nothing was observed" in ran.stdout


def test_a_failure_tells_the_value_and_where_its_history_is_kept(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(THREADS.format(wiring="as_reported"))
    case = f"def test_case(golden_path):\n    golden_path.assert_passes('{CASE}')\n"
    ran = run(tmp_path, "--env=mine.yaml", test_mine=case)
    assert ran.returncode == 1, ran.stdout
    for part, said in CASES[CASE].value.stated().items():
        assert f"{part}: {said}" in ran.stdout
    named = re.search(r"history: (\S+\.jsonl)", ran.stdout)
    assert named is not None, ran.stdout
    entries = re.search(r"\(entries ([\d, ]+)\)", ran.stdout)
    assert entries is not None
    kept = read(Path(named[1]))
    assert kept.is_complete
    assert all(int(seq) < len(kept.entries) for seq in entries[1].split(","))


def test_what_passed_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(THREADS.format(wiring="remediated"))
    case = f"def test_case(golden_path):\n    golden_path.assert_passes('{CASE}')\n"
    ran = run(tmp_path, "--env=mine.yaml", test_mine=case)
    assert ran.returncode == 0, ran.stdout
    assert list((tmp_path / "temporary").rglob("*.jsonl")) == []
