"""Small notebooks for the runner's tests, and what became of them."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

from gp_helpers.execution import CellOutcome, NotebookJob, NotebookResult, execute

KERNEL = {"name": "python3", "language": "python", "display_name": "Python 3"}


@dataclass(frozen=True)
class Cell:
    """A code cell with tags."""

    source: str
    tags: tuple[str, ...] = ()


def write_notebook(path: Path, *cells: str | Cell, metadata: dict[str, Any] | None = None) -> Path:
    """Write a notebook of code cells."""
    stated = [Cell(cell) if isinstance(cell, str) else cell for cell in cells]
    notebook = new_notebook(
        cells=[new_code_cell(cell.source, metadata={"tags": list(cell.tags)}) for cell in stated],
        metadata={"kernelspec": KERNEL, **(metadata or {})},
    )
    path.parent.mkdir(exist_ok=True)
    nbformat.write(notebook, path)
    return path


def job(source: Path, **more: Any) -> NotebookJob:
    """A job that saves beside its source."""
    destination = source.with_name(f"{source.stem}.executed.ipynb")
    return NotebookJob(source, destination, **{"deadline_s": 30.0, **more})


def execute_now(
    jobs: Sequence[NotebookJob], *, concurrency: int = 2, warm: bool = False, **more: Any
) -> list[NotebookResult]:
    """Execute jobs to their end."""
    return asyncio.run(execute(jobs, concurrency=concurrency, warm=warm, **more))


def read(path: Path) -> nbformat.NotebookNode:
    """A saved notebook, which must be valid."""
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return notebook


def stored_outcomes(path: Path) -> list[CellOutcome]:
    """The outcomes that a saved notebook states."""
    return [CellOutcome(cell.metadata.golden_path.outcome) for cell in read(path).cells]


def printed(cell: nbformat.NotebookNode, stream: str = "stdout") -> str:
    """What a cell printed."""
    return "".join(
        output.text
        for output in cell.outputs
        if output.output_type == "stream" and output.name == stream
    )


def errors(cell: nbformat.NotebookNode) -> list[str]:
    """The names of the errors that a cell shows."""
    return [output.ename for output in cell.outputs if output.output_type == "error"]


def is_running(pid: int) -> bool:
    """Whether a process exists and is not a zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 30.0) -> None:
    """Return when `condition` holds; fail if it does not in time."""
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, f"not within {seconds} s: {what}"
        time.sleep(0.02)


def pids_in(path: Path) -> list[int]:
    """The process ids that a cell wrote into a file; none while it is not whole."""
    text = path.read_text() if path.exists() else ""
    return [int(word) for word in text.split()] if text.endswith("\n") else []


WRITE_PIDS = """
import os, subprocess, sys
from pathlib import Path
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
Path({path!r}).write_text(f"{{os.getpid()}} {{child.pid}} {{os.getppid()}}\\n")
"""
"""A cell that leaves a child running and writes the ids of its kernel, the child and the keeper."""
