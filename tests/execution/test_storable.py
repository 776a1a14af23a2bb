"""What no notebook can hold fails its cell, and costs neither the rest nor other notebooks."""

import json
from pathlib import Path
from typing import Any

import papermill
import pytest
from papermill.exceptions import PapermillExecutionError

from gp_helpers.execution import CellOutcome, ExitReason
from gp_helpers.execution.storable import why_not_storable
from tests.execution.notebooks import (
    errors,
    execute_now,
    job,
    printed,
    read,
    stored_outcomes,
    write_notebook,
)

PUBLISH = "from IPython.display import publish_display_data, display\nprint('before')\n"
DEEP = f"{PUBLISH}x = []\nfor i in range(900): x = [x]\n"
WIDGET = """
from comm import create_comm
x = []
for i in range(900): x = [x]
state = {"_model_name": "M", "_model_module": "m", "x": x}
_ = create_comm(target_name="jupyter.widget", data={"state": state})
"""


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        (DEEP + "publish_display_data({'application/json': x})", "application/json: "),
        (DEEP + "publish_display_data({'text/plain': 'x'}, {'of': x})", "text/plain: "),
        (
            PUBLISH + "publish_display_data({'text/plain': 5})",
            "text/plain: expected text, found int",
        ),
        (
            PUBLISH + "shown = display('a', display_id=True)\n"
            "publish_display_data({'text/html': {}}, transient=shown.display_id and "
            "{'display_id': shown.display_id}, update=True)",
            "text/html: expected text, found dict",
        ),
    ],
)
def test_an_output_that_cannot_be_stored_fails_its_cell_alone(
    tmp_path: Path, cell: str, said: str
) -> None:
    jobs = [
        job(write_notebook(tmp_path / "bad.ipynb", cell, "1")),
        job(write_notebook(tmp_path / "innocent.ipynb", "1", "print('done')")),
    ]
    bad, innocent = execute_now(jobs)
    assert innocent.is_complete
    assert bad.exit_reason is ExitReason.FAILED
    assert bad.detail.startswith(f"cell 1: OutputNotStored: {said}")
    saved = read(bad.job.destination)
    assert stored_outcomes(bad.job.destination) == [CellOutcome.FAILED, CellOutcome.NOT_RUN]
    assert saved.metadata.golden_path.exit_reason == ExitReason.FAILED
    assert printed(saved.cells[0]) == "before\n"
    assert errors(saved.cells[0]) == ["OutputNotStored"]
    assert "… this output cannot be stored: " in json.dumps(saved.cells[0], ensure_ascii=False)


def test_papermill_fails_for_an_output_that_cannot_be_stored(tmp_path: Path) -> None:
    cell = PUBLISH + "publish_display_data({'text/plain': 5})"
    source = write_notebook(tmp_path / "a.ipynb", cell)
    with pytest.raises(PapermillExecutionError, match="OutputNotStored"):
        papermill.execute_notebook(
            source, tmp_path / "out.ipynb", engine_name="golden-path", progress_bar=False
        )
    read(tmp_path / "out.ipynb")


def test_a_widgets_state_that_cannot_be_stored_fails_its_notebook(tmp_path: Path) -> None:
    [result] = execute_now([job(write_notebook(tmp_path / "a.ipynb", WIDGET, "1"))])
    assert result.exit_reason is ExitReason.FAILED
    assert result.detail.startswith("the state of its widgets cannot be stored: ")
    assert stored_outcomes(result.job.destination) == [CellOutcome.COMPLETED] * 2
    about = read(result.job.destination).metadata
    assert (about.golden_path.exit_reason, "widgets" in about) == (ExitReason.FAILED, False)


@pytest.mark.parametrize(
    ("data", "metadata"),
    [
        ({"text/plain": "a", "text/html": ["a\n", "b"], "image/png": "iVBO"}, {}),
        ({"application/json": {"a": [1.5, None, 2**70]}, "application/vnd.x+json": 5}, {"a": 1}),
    ],
)
def test_what_a_notebook_can_hold_is_let_through(
    data: dict[str, Any], metadata: dict[str, Any]
) -> None:
    assert why_not_storable(data, metadata) == ""


@pytest.mark.parametrize("warm", [False, True])
def test_a_lone_surrogate_that_is_printed_is_escaped_and_nothing_is_lost(
    tmp_path: Path, warm: bool
) -> None:
    cells = ("print('a\\ud800b ü'); print('x')", "print('\\udfff', end=''); import os; os._exit(1)")
    [result] = execute_now([job(write_notebook(tmp_path / "a.ipynb", *cells))], warm=warm)
    saved = read(result.job.destination)
    assert [printed(cell) for cell in saved.cells] == ["a\\ud800b ü\nx\n", "\\udfff"]


def test_what_an_earlier_execution_said_is_not_kept(tmp_path: Path) -> None:
    earlier = {"exit_reason": "failed", "detail": "cell 1: ValueError", "deadline_s": 60}
    source = write_notebook(tmp_path / "a.ipynb", "1", metadata={"golden_path": earlier})
    [result] = execute_now([job(source)])
    about = read(result.job.destination).metadata.golden_path
    assert about == {"exit_reason": "completed", "deadline_s": 60}
