"""A notebook is saved where its path leads: links stay links, pipes stay pipes."""

import json
import os
import stat
import threading
from pathlib import Path

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from gp_helpers.execution import ExitReason, saving
from gp_helpers.execution.saving import saved_whole
from tests.execution.notebooks import execute_now, job, read, write_notebook
from tests.execution.runners import papermill, runner

LONG = 200_000
"""More characters than a pipe holds."""


@pytest.fixture
def notebook() -> NotebookNode:
    return new_notebook(cells=[new_code_cell("1")])


@pytest.mark.parametrize("is_there", [True, False])
def test_a_link_stays_and_what_it_leads_to_is_written(
    tmp_path: Path, notebook: NotebookNode, is_there: bool
) -> None:
    target = tmp_path / "folder" / "target.ipynb"
    if is_there:
        target.parent.mkdir()
        target.write_text("stale")
    link, link_to_link = tmp_path / "link.ipynb", tmp_path / "again.ipynb"
    link.symlink_to("folder/target.ipynb")
    link_to_link.symlink_to(link)
    for is_finished in (False, True):
        saved_whole(link_to_link)(notebook, is_finished)
        assert len(read(target).cells) == 1
    assert link.is_symlink()
    assert link_to_link.is_symlink()
    assert [path.name for path in target.parent.iterdir()] == ["target.ipynb"]


def test_links_that_lead_nowhere_are_an_error(tmp_path: Path, notebook: NotebookNode) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError, match="symbolic links"):
        saved_whole(tmp_path / "a")(notebook, True)


def test_a_pipe_is_given_the_finished_notebook_alone(tmp_path: Path) -> None:
    source = write_notebook(tmp_path / "a.ipynb", f"print('x' * {LONG})")
    wanted = job(source)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    wanted.destination.symlink_to(pipe)
    taken: list[str] = []
    reader = threading.Thread(target=lambda: taken.append(pipe.read_text()), daemon=True)
    reader.start()
    [result] = execute_now([wanted])
    reader.join(30)
    assert result.is_complete
    assert wanted.destination.is_symlink()
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    [cell] = json.loads(taken[0])["cells"]
    assert len("".join(cell["outputs"][0]["text"])) == LONG + 1


def test_papermill_gives_a_pipe_one_notebook_and_waits_for_nobody(tmp_path: Path) -> None:
    source, pipe = write_notebook(tmp_path / "a.ipynb", "print('x')"), tmp_path / "pipe"
    os.mkfifo(pipe)
    link = source.with_suffix(".out")
    link.symlink_to(pipe)
    with runner(*papermill(source), cwd=tmp_path) as process:
        taken = json.loads(pipe.read_text())
        assert process.wait(20) == 0
    assert taken["cells"][0]["outputs"][0]["text"] == ["x\n"]


def test_a_pipe_without_a_reader_is_told_as_not_saved(tmp_path: Path) -> None:
    wanted = job(write_notebook(tmp_path / "a.ipynb", "1"))
    os.mkfifo(wanted.destination)
    [result] = execute_now([wanted])
    assert result.exit_reason is ExitReason.COMPLETED
    assert not result.is_complete
    assert "not saved: " in result.detail


def test_a_pipes_reader_that_takes_nothing_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, notebook: NotebookNode
) -> None:
    monkeypatch.setattr(saving, "_READER_PATIENCE_S", 0.1)
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    notebook.cells[0].source = "x" * LONG
    try:
        with pytest.raises(TimeoutError, match="its reader takes nothing"):
            saved_whole(tmp_path / "pipe")(notebook, True)
    finally:
        os.close(reader)


def test_integers_beyond_64_bits_are_saved(tmp_path: Path, notebook: NotebookNode) -> None:
    notebook.metadata["papermill"] = {"parameters": {"large": 2**70}}
    for is_finished in (False, True):
        saved_whole(tmp_path / "a.ipynb")(notebook, is_finished)
        assert read(tmp_path / "a.ipynb").metadata.papermill.parameters.large == 2**70
