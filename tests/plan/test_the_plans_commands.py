"""The plan's commands, as they stand in it: counts, exit statuses and findings, from a subprocess.

Its 23 tests are red by default, by design; here a failure of the wrong kind is a failure. Where a
run would only repeat another, the line is run as it stands with ``--collect-only`` behind it.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest

from gp_helpers.plan import CASES, SUITES, Suite, cases_of
from gp_helpers.platform.defects.catalogue import CATALOGUE, defects_of
from tests.support.repository import ROOT, THE_PLANS_WORD

KEYWORD = THE_PLANS_WORD
SECONDS = 240
COLLECT = ("--collect-only", "-q")
STAGING = {
    "STAGING_AUTH_URL": "http://127.0.0.1:1",
    "STAGING_API_URL": "http://127.0.0.1:1",
    "STAGING_SOCKET_URL": "ws://127.0.0.1:1",
    "STAGING_SERVICE_SECRET": "none",
    "STAGING_ACCOUNTS_FILE": "none.yaml",
}
"""What staging is described by; nothing is sent there while tests are only collected."""


def commands_in(page: str) -> list[str]:
    """The command lines of a page's shell blocks, as they stand there."""
    text = (ROOT / page).read_text(encoding="utf-8")
    blocks = re.findall(r"```bash\n(.*?)```", text, re.DOTALL)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


PLAN = commands_in("docs/test_plan.md")
ALL = f'pytest -k "{KEYWORD}" -v --tb=short'
FIVE = f"{ALL} --maxfail=5"
INTEGRATION = f'python tests/unified_test_runner.py --category integration -k "{KEYWORD}"'
E2E = f'python tests/unified_test_runner.py --category e2e --env staging -k "{KEYWORD}"'
FILES = {
    suite: f"pytest {info.test_file}{' --env staging' if suite is Suite.JOURNEY else ''} -v"
    for suite, info in SUITES.items()
}
"""The lines that the tests below run."""


@dataclass(frozen=True)
class Outcome:
    """What a test of the plan reported."""

    result: str
    """passed, failed, error or skipped."""
    findings: frozenset[str]
    outcomes: frozenset[str]


def run_line(
    line: str, *more: str, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a line of the plan as it stands, with the Python of this test, and more behind it."""
    program, *arguments = shlex.split(line)
    module = {"pytest": ("-m", "pytest"), "python": ()}[program]
    return run(*module, *arguments, *more, variables=variables)


def run(
    *arguments: str, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=os.environ | dict(variables or {}),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def outcomes_in(junit: Path) -> dict[str, Outcome]:
    found = {}
    for case in ElementTree.parse(junit).iter("testcase"):
        told = {one.get("name"): one.get("value") or "" for one in case.iter("property")}
        result = next(
            (one for one in ("failure", "error", "skipped") if case.find(one) is not None), ""
        )
        found[case.get("name") or ""] = Outcome(
            {"failure": "failed", "": "passed"}.get(result, result),
            frozenset(filter(None, told.get("findings", "").split(","))),
            frozenset(filter(None, told.get("outcomes", "").split(","))),
        )
    return found


@pytest.fixture(scope="module")
def as_reported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    junit = tmp_path_factory.mktemp("as-reported") / "junit.xml"
    ended = run_line(ALL, f"--junitxml={junit}")
    assert ended.returncode == 1, ended.stdout[-3000:] + ended.stderr
    assert f"{len(CASES)} failed" in ended.stdout.splitlines()[-1], ended.stdout[-3000:]
    return outcomes_in(junit)


def test_each_line_of_the_plan_is_run_here_and_stands_in_the_readme() -> None:
    assert set(PLAN) == {ALL, FIVE, INTEGRATION, E2E, *FILES.values()}
    assert set(PLAN) <= set(commands_in("README.md"))


@pytest.mark.parametrize("case", CASES)
def test_as_reported_the_test_fails_with_the_findings_that_its_case_is_about(
    case: str, as_reported: dict[str, Outcome]
) -> None:
    outcome = as_reported[CASES[case].test_name]
    assert outcome.result == "failed"
    assert outcome.outcomes == {"fail"}
    assert {CATALOGUE[name].finding_code for name in defects_of(case)} <= outcome.findings


def test_remediated_all_pass(tmp_path: Path) -> None:
    junit = tmp_path / "junit.xml"
    ended = run("-m", "pytest", "-k", KEYWORD, "--env", "remediated", f"--junitxml={junit}")
    outcomes = outcomes_in(junit)
    assert {name: one.result for name, one in outcomes.items()} == {
        case.test_name: "passed" for case in CASES.values()
    }, ended.stdout[-3000:]
    assert ended.returncode == 0


def test_the_run_stops_after_five_failures_when_asked_to() -> None:
    ended = run_line(FIVE)
    assert ended.returncode == 1
    assert "5 failed" in ended.stdout.splitlines()[-1]


@pytest.mark.parametrize("suite", Suite)
def test_each_file_has_the_tests_of_its_suite(suite: Suite) -> None:
    ended = run_line(FILES[suite], *COLLECT, variables=STAGING)
    collected = re.findall(r"test_\w+(?=>?$)", ended.stdout, re.MULTILINE)
    assert collected == [case.test_name for case in cases_of(suite)], ended.stdout + ended.stderr
    assert ended.returncode == 0


def test_the_unified_runner_runs_the_folder_of_a_category() -> None:
    integration = run_line(INTEGRATION, *COLLECT)
    assert f"{len(CASES) - len(cases_of(Suite.JOURNEY))} tests collected" in integration.stdout
    assert integration.returncode == 0


def test_staging_without_its_variables_is_an_error_that_names_them() -> None:
    ended = run_line(E2E)
    assert ended.returncode == pytest.ExitCode.USAGE_ERROR
    assert "STAGING_AUTH_URL" in ended.stdout + ended.stderr


def test_an_unknown_environment_is_a_usage_error_that_lists_the_known_ones() -> None:
    ended = run("-m", "pytest", "-k", KEYWORD, "--env", "remediate")
    assert ended.returncode == 4
    assert "did you mean remediated?" in ended.stderr


def test_a_keyword_that_selects_nothing_is_a_failure() -> None:
    ended = run("-m", "pytest", SUITES[Suite.AUTH].test_file, "-k", "no_such_test")
    assert ended.returncode != 0
