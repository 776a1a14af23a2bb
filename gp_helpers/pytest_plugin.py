"""The pytest plugin that runs the plan's tests, and that users get for their own.

``--env`` names the environment; the fixture ``golden_path`` runs a case in it and asserts that it
passes. Nothing collected, a failed import or a skip is a failure of the session.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from gp_helpers.checkers import Outcome, Verdict
from gp_helpers.execution.trials import Plan, TrialResult, defects_for, run_plan
from gp_helpers.parameters import ParameterError, Parameters, known_environments, load
from gp_helpers.parameters.templates import MissingEnvironmentError, resolve
from gp_helpers.plan import CASES, SUITES, case_info, select

DEFAULT_ENVIRONMENT = "as_reported"
_PARAMETERS = pytest.StashKey[Parameters]()
_NOT_SELECTED = pytest.StashKey[list[str]]()
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
        return asyncio.run(run_plan(plan))

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
        lines += [
            f"value at stake: {case.value.segment}: {case.value.impact}",
            f"look at it: golden-path run --env {self.environment} --case {case.id}",
        ]
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
        resolve(parameters.as_json(), os.environ)
    except (ParameterError, MissingEnvironmentError) as error:
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


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say which cases the environment does not list."""
    for case_id in config.stash[_NOT_SELECTED]:
        terminalreporter.write_line(f"not selected by {config.getoption('--env')}: {case_id}")


@pytest.fixture
def golden_path(request: pytest.FixtureRequest, record_property: Any) -> Iterator[GoldenPath]:
    """Runs cases in the environment that ``--env`` names."""
    with TemporaryDirectory(prefix="golden-path-") as folder:
        yield GoldenPath(
            request.config.stash[_PARAMETERS],
            request.config.getoption("--env"),
            Path(folder),
            record_property,
        )
