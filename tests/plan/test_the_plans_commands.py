"""The plan's commands, as they stand in it: counts, exit statuses and findings, from a subprocess.

Its 23 tests are red by default, by design; here a failure of the wrong kind is a failure. Where a
run would only repeat another, the line is run as it stands with ``--collect-only`` behind it.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gp_helpers.plan import CASES, SUITES, Suite, cases_of
from gp_helpers.platform.defects.catalogue import CATALOGUE, defects_of
from tests.plan.lines import (
    ALL,
    E2E,
    FILES,
    FIVE,
    INTEGRATION,
    KEYWORD,
    REMEDIATED,
    Ended,
    all_of_the_plan,
    commands_in,
    run_line,
)
from tests.support.sessions import session

COLLECT = ("--collect-only", "-q")
STAGING = {
    "STAGING_AUTH_URL": "http://127.0.0.1:1",
    "STAGING_API_URL": "http://127.0.0.1:1",
    "STAGING_SOCKET_URL": "ws://127.0.0.1:1",
    "STAGING_SERVICE_SECRET": "none",
    "STAGING_ACCOUNTS_FILE": "none.yaml",
}
"""What staging is described by; nothing is sent there while tests are only collected."""
PLAN = commands_in("docs/test_plan.md")


@pytest.fixture(scope="module")
def as_reported(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    return all_of_the_plan(tmp_path_factory)


def test_each_line_of_the_plan_is_run_here_and_stands_in_the_readme() -> None:
    assert set(PLAN) == {ALL, FIVE, INTEGRATION, E2E, *FILES.values()}
    assert set(PLAN) <= set(commands_in("README.md"))


def test_as_reported_all_fail(as_reported: Ended) -> None:
    assert as_reported.status == 1, as_reported.said[-3000:]
    assert f"{len(CASES)} failed" in as_reported.said.splitlines()[-1], as_reported.said[-3000:]
    assert as_reported.outcomes.keys() == {case.test_name for case in CASES.values()}


@pytest.mark.parametrize("case", CASES)
def test_as_reported_the_test_fails_with_the_findings_that_its_case_is_about(
    case: str, as_reported: Ended
) -> None:
    outcome = as_reported.outcomes[CASES[case].test_name]
    assert outcome.result == "failed"
    assert outcome.outcomes == {"fail"}
    assert {CATALOGUE[name].finding_code for name in defects_of(case)} <= outcome.findings


def test_remediated_all_pass(tmp_path_factory: pytest.TempPathFactory) -> None:
    ended = all_of_the_plan(tmp_path_factory, *REMEDIATED)
    assert {name: one.result for name, one in ended.outcomes.items()} == {
        case.test_name: "passed" for case in CASES.values()
    }, ended.said[-3000:]
    assert {outcome for one in ended.outcomes.values() for outcome in one.outcomes} == {"pass"}
    assert f"{len(CASES)} passed" in ended.said.splitlines()[-1], ended.said[-3000:]
    assert ended.status == 0


def test_the_run_stops_after_five_failures_when_asked_to(tmp_path: Path) -> None:
    threads = tmp_path / "threads.yaml"
    threads.write_text("target: {kind: embedded, isolation: thread}\n")
    ended = run_line(FIVE, f"--env={threads}")
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
    ended = session("-m", "pytest", "-k", KEYWORD, "--env", "remediate")
    assert ended.returncode == 4
    assert "did you mean remediated?" in ended.stderr


def test_a_keyword_that_selects_nothing_is_a_failure() -> None:
    ended = session("-m", "pytest", SUITES[Suite.AUTH].test_file, "-k", "no_such_test")
    assert ended.returncode != 0
