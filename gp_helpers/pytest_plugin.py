"""The pytest plugin that runs the plan's tests, and that users get for their own.

``--env`` names the environment; the fixture ``golden_path`` runs a case in it and asserts that it
passes. Nothing collected, a failed import or a skip is a failure of the session, and says so.
"""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gp_helpers.cases import Role
from gp_helpers.checkers import Outcome, Verdict
from gp_helpers.execution.trials import Plan, TrialResult, defects_for, run_plan
from gp_helpers.parameters import ParameterError, Parameters, known_environments, load
from gp_helpers.plan import CASES, SUITES, case_info, select
from gp_helpers.targets.requirements import require_usable

DEFAULT_ENVIRONMENT = "as_reported"
_PARAMETERS = pytest.StashKey[Parameters]()
_NOT_SELECTED = pytest.StashKey[list[str]]()
_FIXTURE = "golden_path"
_CASE_OF_TEST = {case.test_name: case.id for case in CASES.values()}


class CaseFailed(AssertionError):
    """A case did not pass; the message says what was found and how to see it again."""


@dataclass
class GoldenPath:
    """Runs cases in the environment of the session."""

    parameters: Parameters
    environment: str
    folder: Path
    record_property: Any
    not_passed: list[TrialResult] = field(default_factory=list)
    """Trials whose histories are kept in ``folder`` when the test has ended."""

    def run(self, case_id: str) -> list[TrialResult]:
        """Run the trials of a case, each on a platform of its own."""
        case = case_info(case_id)
        plan = Plan(
            case.id,
            self.parameters,
            defects_for(self.parameters, case.id),
            1,
            self.parameters.trials,
            self.folder,
        )
        results = asyncio.run(run_plan(plan))
        self.not_passed += [one for one in results if one.verdict.outcome is not Outcome.PASS]
        return results

    def assert_passes(self, case_id: str) -> None:
        """Run a case and raise `CaseFailed` unless every trial passes."""
        results = self.run(case_id)
        self.record_property("case", case_id)
        self.record_property("environment", self.environment)
        self.record_property("outcomes", ",".join(one.verdict.outcome.value for one in results))
        findings = dict.fromkeys(code for one in results for code in one.verdict.findings)
        self.record_property("findings", ",".join(findings))
        bad = [one for one in results if one.verdict.outcome is not Outcome.PASS]
        if bad:
            raise CaseFailed(self._message(bad[0], len(bad), len(results)))

    def _message(self, result: TrialResult, bad: int, trials: int) -> str:
        verdict, case = result.verdict, case_info(result.case_id)
        lines = [
            f"{case.id}: {verdict.outcome.value.upper()} in {bad} of {trials} trials "
            f"({self.environment})",
            *_findings(verdict),
        ]
        if verdict.first_disagreement is not None:
            lines.append(f"first disagreement: {verdict.first_disagreement.description}")
        lines += [f"{part}: {said}" for part, said in case.value.stated().items()]
        history = self.folder / "histories" / f"{case.id}.{Role.TRIAL.value}.{result.number}.jsonl"
        if history.is_file():
            lines.append(f"history: {history}")
        lines.append(f"look at it: golden-path run --env {self.environment} --case {case.id}")
        return "\n  ".join(lines)


def _findings(verdict: Verdict) -> list[str]:
    found = [
        f"{claim.finding}: {claim.detail} (entries {', '.join(map(str, claim.entries[:8]))})"
        for claim in verdict.claims
        if claim.finding
    ]
    return found or [verdict.reason]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--env``."""
    parser.addoption(
        "--env",
        default=DEFAULT_ENVIRONMENT,
        metavar="NAME",
        help="environment of the plan's tests: a name in parameters/, or a path "
        f"(default {DEFAULT_ENVIRONMENT}; known: {', '.join(known_environments())})",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Read the environment before anything is collected."""
    environment = config.getoption("--env")
    try:
        parameters = load(environment)
        require_usable(environment, parameters.target)
    except ParameterError as error:
        raise pytest.UsageError(f"--env {environment}: {error}") from None
    config.stash[_PARAMETERS] = parameters
    config.stash[_NOT_SELECTED] = []


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the cases that the environment does not list, and say so."""
    selected = {case.id for case in select(config.stash[_PARAMETERS].cases)}
    left_out = [
        item for item in items if _is_of_the_plan(item) and _CASE_OF_TEST[item.name] not in selected
    ]
    config.stash[_NOT_SELECTED] = [_CASE_OF_TEST[item.name] for item in left_out]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def _is_of_the_plan(item: pytest.Item) -> bool:
    if item.name not in _CASE_OF_TEST:
        return False
    suite = SUITES[CASES[_CASE_OF_TEST[item.name]].suite]
    return item.path.as_posix().endswith(suite.test_file)


def _runs_a_case(item: pytest.Item) -> bool:
    return _is_of_the_plan(item) or _FIXTURE in getattr(item, "fixturenames", ())


def _is_about_cases(path: Path) -> bool:
    """A module of the plan's tests, or one that asks for the fixture."""
    if any(path.as_posix().endswith(suite.test_file) for suite in SUITES.values()):
        return True
    source = path.read_text(encoding="utf-8", errors="replace")
    return re.search(rf"\b{_FIXTURE}\b", source) is not None


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A skipped case is a failure: it observed nothing."""
    report = yield
    expected = getattr(report, "wasxfail", None)
    is_skipped = report.skipped and (expected is None or "[NOTRUN]" in expected)
    if is_skipped and _runs_a_case(item):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped: a failure; {expected or _why(report)}"
        if expected is not None:
            del report.wasxfail
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A module of cases that is skipped as a whole, or cannot be imported, is a failure."""
    report = yield
    if report.passed or not isinstance(collector, pytest.Module):
        return report
    if _is_about_cases(collector.path):
        what = "was skipped" if report.skipped else "could not be imported"
        report.longrepr = (
            f"{collector.nodeid} {what}: a failure, none of its cases ran; {_why(report)}"
        )
        report.outcome = "failed"
    return report


def _why(report: pytest.TestReport | pytest.CollectReport) -> str:
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2])
    return str(report.longrepr)


def pytest_terminal_summary(terminalreporter: Any, exitstatus: int, config: pytest.Config) -> None:
    """Say which cases the environment does not list, and that a run of nothing is a failure."""
    if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
        terminalreporter.write_line("no test was collected: a failure, nothing was observed")
    for case_id in config.stash[_NOT_SELECTED]:
        terminalreporter.write_line(f"not selected by {config.getoption('--env')}: {case_id}")


@pytest.fixture
def golden_path(
    request: pytest.FixtureRequest, record_property: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GoldenPath]:
    """Runs cases in the environment that ``--env`` names.

    What trials that did not pass leave stays in pytest's own folder, which the failure names.
    """
    made = GoldenPath(
        request.config.stash[_PARAMETERS],
        request.config.getoption("--env"),
        tmp_path_factory.mktemp("golden-path-"),
        record_property,
    )
    yield made
    if not made.not_passed:
        shutil.rmtree(made.folder)
