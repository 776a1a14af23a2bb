"""The lines of the plan, run as they stand in a process of their own, and what they reported."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest

from gp_helpers.plan import SUITES, Suite
from tests.support.once import made_once
from tests.support.repository import ROOT, THE_PLANS_WORD
from tests.support.sessions import session

KEYWORD = THE_PLANS_WORD
SECONDS = 240
ALL = f'pytest -k "{KEYWORD}" -v --tb=short'
FIVE = f"{ALL} --maxfail=5"
INTEGRATION = f'python tests/unified_test_runner.py --category integration -k "{KEYWORD}"'
E2E = f'python tests/unified_test_runner.py --category e2e --env staging -k "{KEYWORD}"'
FILES = {
    suite: f"pytest {info.test_file}{' --env staging' if suite is Suite.JOURNEY else ''} -v"
    for suite, info in SUITES.items()
}
"""The lines that the tests run."""
REMEDIATED = ("--env", "remediated")


@dataclass(frozen=True)
class Outcome:
    """What a test of the plan reported."""

    result: str
    """passed, failed, error or skipped."""
    findings: frozenset[str]
    outcomes: frozenset[str]


@dataclass(frozen=True)
class Ended:
    """A line that ran all of the plan's tests."""

    status: int
    said: str
    outcomes: Mapping[str, Outcome]
    """By the name of the test."""


def commands_in(page: str) -> list[str]:
    """The command lines of a page's shell blocks, as they stand there."""
    text = (ROOT / page).read_text(encoding="utf-8")
    blocks = re.findall(r"```bash\n(.*?)```", text, re.DOTALL)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def python_of(line: str) -> list[str]:
    """What a line of the plan means to Python."""
    program, *arguments = shlex.split(line)
    return [*{"pytest": ("-m", "pytest"), "python": ()}[program], *arguments]


def run_line(
    line: str, *more: str, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a line of the plan as it stands, with more behind it."""
    return session(*python_of(line), *more, variables=variables)


def all_of_the_plan(factory: pytest.TempPathFactory, *more: str) -> Ended:
    """The plan's first line with more behind it; run once in a session of tests."""

    def make(folder: Path) -> None:
        ended = subprocess.run(
            [sys.executable, *python_of(ALL), *more, f"--junitxml={folder / 'junit.xml'}"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        (folder / "status").write_text(str(ended.returncode))
        (folder / "said").write_text(ended.stderr + ended.stdout)

    folder = made_once(factory, "-".join(["plan", *more]), make)
    return Ended(
        int((folder / "status").read_text()),
        (folder / "said").read_text(),
        outcomes_in(folder / "junit.xml"),
    )


def outcomes_in(junit: Path) -> dict[str, Outcome]:
    """What each test reported in its file for other programs."""
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
