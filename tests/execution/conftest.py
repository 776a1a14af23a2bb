"""The results that several modules look at, from one call of the runner with warm kernels."""

import pickle
from pathlib import Path

import pytest

from gp_helpers.execution import NotebookResult, outputs
from tests.execution.gallery import MOST_OUTPUTS, NOTEBOOKS
from tests.execution.notebooks import execute_now, job, write_notebook
from tests.support.once import made_once


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All of `NOTEBOOKS`, executed side by side in warm kernels."""

    def make(folder: Path) -> None:
        jobs = [
            job(
                write_notebook(folder / name / "a.ipynb", *cells),
                environment={"OF_THE_JOB": name},
            )
            for name, cells in NOTEBOOKS.items()
        ]
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(outputs, "MOST_OUTPUTS", MOST_OUTPUTS)
            found = execute_now(jobs, concurrency=3, warm=True)
        (folder / "results").write_bytes(pickle.dumps(found))

    return made_once(tmp_path_factory, "gallery", make)


@pytest.fixture(scope="session")
def results(folder: Path) -> dict[str, NotebookResult]:
    """What became of each of them."""
    found = pickle.loads((folder / "results").read_bytes())
    return dict(zip(NOTEBOOKS, found, strict=True))
