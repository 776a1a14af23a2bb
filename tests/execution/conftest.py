"""The results that several modules look at, from one call of the runner with warm kernels."""

from pathlib import Path

import pytest

from gp_helpers.execution import NotebookResult
from tests.execution.gallery import NOTEBOOKS
from tests.execution.notebooks import execute_now, job, write_notebook


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gallery")


@pytest.fixture(scope="session")
def results(folder: Path) -> dict[str, NotebookResult]:
    """All of `NOTEBOOKS`, executed side by side in warm kernels."""
    jobs = [
        job(
            write_notebook(folder / name / "a.ipynb", *cells),
            environment={"OF_THE_JOB": name},
        )
        for name, cells in NOTEBOOKS.items()
    ]
    found = execute_now(jobs, concurrency=3, warm=True)
    return dict(zip(NOTEBOOKS, found, strict=True))
