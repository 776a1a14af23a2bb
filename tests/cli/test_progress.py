"""Progress tells; it never ends what it tells of."""

import contextlib
import os
from pathlib import Path

import pytest

from gp_helpers.cli.progress import Progress
from gp_helpers.execution import CellEvent, CellOutcome, NotebookJob


def test_a_terminal_that_is_closed_ends_progress_and_nothing_else() -> None:
    job = NotebookJob(Path("a.ipynb"), Path("run/a.ipynb"))
    near, far = os.openpty()
    stream = os.fdopen(far, "w")
    assert stream.isatty()
    with Progress([job], enabled=True, stream=stream) as progress:
        progress.take(CellEvent(job, 0, 1, 3))
        assert b"run/a" in os.read(near, 1000)
        os.close(near)
        with pytest.raises(OSError, match="Input/output"):
            os.write(far, b"x")
        for number in (1, 2):
            progress.take(CellEvent(job, number, number, 3, CellOutcome.COMPLETED))
    with contextlib.suppress(OSError):  # what could not be written is tried once more
        stream.close()
