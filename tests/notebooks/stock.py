"""The notebooks under stock papermill, each executed once in a session of tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
import yaml
from papermill import execute_notebook
from papermill.exceptions import PapermillExecutionError

from gp_helpers.plan import CASES, SUITES
from tests.support.kernels import over_unix_sockets
from tests.support.once import made_once
from tests.support.repository import ROOT
from tools.notebooks import NOTEBOOKS, START_HERE

NAMES = (START_HERE, *(info.notebook for info in SUITES.values()))
AS_REPORTED = "parameters/as_reported.yaml"
BY_COMMAND = (START_HERE,)
"""Just as the README has it, a process a service. The others by papermill's own function, which
need not save after each of two hundred cells, and with threads: the plan's commands go through all
cases with processes."""


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

    def history_of(self, case: str, role: str = "trial") -> Path:
        """The history of its only trial of a case, or of the contrast beside that."""
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


def by_command(folder: Path, name: str) -> tuple[int, str]:
    """Status and complaints of the README's command."""
    ended = papermill(folder, name, "-f", AS_REPORTED)
    return ended.returncode, ended.stderr


def by_function(folder: Path, name: str) -> tuple[int, str]:
    """The same of papermill in this process."""
    stated = yaml.safe_load((ROOT / AS_REPORTED).read_text())
    stated["target"]["isolation"] = "thread"
    try:
        papermill_here(folder, name, folder / f"{name}.ipynb", **stated)
    except PapermillExecutionError as error:
        return 1, str(error)
    return 0, ""


def papermill_here(outputs: Path, name: str, executed: Path, /, **parameters: Any) -> None:
    """Execute a notebook by papermill's function, in this process; saved at its end.

    Raises ``PapermillExecutionError`` when a cell fails.
    """
    with pytest.MonkeyPatch.context() as patched, over_unix_sockets() as config:
        patched.setenv("GOLDEN_PATH_OUTPUTS", str(outputs))
        patched.delenv("GOLDEN_PATH_RUN", raising=False)
        patched.chdir(ROOT)
        shown = execute_notebook(
            NOTEBOOKS / f"{name}.ipynb", None, parameters, progress_bar=False, config=config
        )
    nbformat.write(shown, executed)


def executed(factory: pytest.TempPathFactory, name: str) -> Executed:
    """A notebook as reported; executed once in a session of tests."""

    def make(folder: Path) -> None:
        (folder / "outputs").mkdir()
        execute = by_command if name in BY_COMMAND else by_function
        status, said = execute(folder / "outputs", name)
        (folder / "status").write_text(str(status))
        (folder / "said").write_text(said)

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
