"""Runners in processes of their own, to be stopped or killed."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def runner(*arguments: str, cwd: Path) -> Iterator[subprocess.Popen[str]]:
    """A runner in a process of its own, dead at the end in any case."""
    with subprocess.Popen(
        [sys.executable, *arguments],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "TMPDIR": str(cwd)},
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def papermill(source: Path) -> list[str]:
    """The command that executes a notebook beside itself."""
    engine = ["--engine", "golden-path", "--no-progress-bar"]
    return ["-m", "papermill", *engine, str(source), str(source.with_suffix(".out"))]
