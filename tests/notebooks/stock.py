"""The notebooks under stock papermill, each executed once in a session of tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gp_helpers.plan import CASES, SUITES, Suite
from tests.support.once import made_once
from tests.support.repository import ROOT
from tools.notebooks import NOTEBOOKS, START_HERE

NAMES = (START_HERE, *(info.notebook for info in SUITES.values()))
ON_PROCESSES = (START_HERE, SUITES[Suite.AUTH].notebook)
"""Just as the README has it; the others with threads, since a process a service takes twice as long
and the plan's commands have been through all cases with those."""
IN_THREADS = "{target: {kind: embedded, wiring: as_reported, isolation: thread}}"


@dataclass(frozen=True)
class Executed:
    """A notebook that papermill executed as reported."""

    status: int
    said: str
    notebook: Path
    outputs: Path

    @property
    def run(self) -> Path:
        """The folder of its run."""
        (run,) = (path for path in self.outputs.iterdir() if path.is_dir())
        return run

    def history_of(self, case: str, role: str) -> Path:
        """The history of its only trial of a case, or of the contrast of that."""
        (history,) = (self.run / "histories").glob(f"{case}.{role}.*.jsonl")
        return history

    def verdicts(self) -> dict[str, Any]:
        """What it states of each case."""
        return verdicts_in(self.run)


def verdicts_in(run: Path) -> dict[str, Any]:
    """What a run states of each case."""
    return {path.stem: json.loads(path.read_text()) for path in (run / "verdicts").glob("*.json")}


def papermill(outputs: Path, name: str, *more: str) -> subprocess.CompletedProcess[str]:
    """Execute a notebook as a user would, from the repository's root."""
    command = [sys.executable, "-m", "papermill", "--no-progress-bar"]
    environ = os.environ | {"GOLDEN_PATH_OUTPUTS": str(outputs)}
    environ.pop("GOLDEN_PATH_RUN", None)
    return subprocess.run(
        [*command, str(NOTEBOOKS / f"{name}.ipynb"), str(outputs / f"{name}.ipynb"), *more],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def executed(factory: pytest.TempPathFactory, name: str) -> Executed:
    """A notebook as reported; executed once in a session of tests."""
    options = ["-f", "parameters/as_reported.yaml"]
    if name not in ON_PROCESSES:
        options += ["-y", IN_THREADS]

    def make(folder: Path) -> None:
        outputs = folder / "outputs"
        outputs.mkdir()
        ended = papermill(outputs, name, *options)
        (folder / "status").write_text(str(ended.returncode))
        (folder / "said").write_text(ended.stderr)

    folder = made_once(factory, f"notebook-{name}", make)
    return Executed(
        int((folder / "status").read_text()),
        (folder / "said").read_text(),
        folder / "outputs" / f"{name}.ipynb",
        folder / "outputs",
    )


def executed_with(factory: pytest.TempPathFactory, case: str) -> Executed:
    """The notebook of the suite that a case belongs to."""
    return executed(factory, SUITES[CASES[case].suite].notebook)
