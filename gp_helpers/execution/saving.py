"""Saves a notebook so that what is on disk is always whole, whenever the runner is killed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import writes_json

Save = Callable[[NotebookNode], None]
"""Saves a notebook; raises ``OSError`` if it cannot."""


def saved_whole(destination: Path) -> Save:
    """A save that replaces ``destination`` in one step."""

    def save(notebook: NotebookNode) -> None:
        destination.parent.mkdir(parents=True, exist_ok=True)
        unfinished = destination.with_name(f".{destination.name}.unfinished")
        try:
            unfinished.write_text(writes_json(notebook) + "\n", encoding="utf-8")
            os.replace(unfinished, destination)
        except OSError:
            unfinished.unlink(missing_ok=True)
            raise

    return save


def saved_by_papermill(destination: str) -> Save:
    """A save through papermill's writers, for what is not a local file (``s3://…``)."""

    def save(notebook: NotebookNode) -> None:
        from papermill.iorw import write_ipynb

        write_ipynb(notebook, destination)

    return save


def save_for(destination: str | None) -> Save:
    """The right save for a destination as papermill names it; None: nothing is saved."""
    if destination is None:
        return lambda _: None
    if "://" in destination:
        return saved_by_papermill(destination)
    return saved_whole(Path(destination))
