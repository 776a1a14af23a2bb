"""Saves a notebook so that what is on disk is always whole, whenever the runner is killed."""

from __future__ import annotations

import json
import os
import select
import stat
from collections.abc import Callable
from pathlib import Path

import orjson
from nbformat import NotebookNode
from nbformat.v4 import writes_json

Save = Callable[[NotebookNode, bool], None]
"""Saves a notebook; raises ``OSError`` if it cannot.

The flag says whether it is finished: then it is written as Jupyter writes notebooks, a line of
text on a line, and until then on one line, which takes a fifth of the time.
"""

_READER_PATIENCE_S = 5.0
"""How long a pipe's reader may take nothing: who waits for it here does nothing else."""


def saved_whole(destination: Path) -> Save:
    """A save that replaces a file in one step, at its own place where ``destination`` is a link.

    What is there and is no file (a device, a pipe) is never replaced: the finished notebook is
    written into it.
    """

    def save(notebook: NotebookNode, is_finished: bool) -> None:
        if _takes_what_is_written(destination):
            if is_finished:
                _write_into(destination, _in_lines(notebook))
            return
        target = Path(os.path.realpath(destination))
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished = target.with_name(f".{target.name}.unfinished")
        try:
            unfinished.write_bytes(_in_lines(notebook) if is_finished else _on_a_line(notebook))
            os.replace(unfinished, target)
        except OSError:
            unfinished.unlink(missing_ok=True)
            raise

    return save


def _takes_what_is_written(destination: Path) -> bool:
    """Whether something is there that is neither a file nor a folder."""
    try:
        mode = os.stat(destination).st_mode
    except FileNotFoundError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _write_into(destination: Path, content: bytes) -> None:
    """Write into what nobody may be reading, without waiting for ever."""
    left = memoryview(content)
    descriptor = os.open(destination, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        ready = select.poll()
        ready.register(descriptor, select.POLLOUT)
        while left:
            if not ready.poll(_READER_PATIENCE_S * 1000):
                raise TimeoutError(f"{destination}: its reader takes nothing")
            left = left[os.write(descriptor, left) :]
    finally:
        os.close(descriptor)


def _in_lines(notebook: NotebookNode) -> bytes:
    return f"{writes_json(notebook)}\n".encode()


def _on_a_line(notebook: NotebookNode) -> bytes:
    try:
        return orjson.dumps(notebook)
    except TypeError:  # an integer of more than 64 bits
        return json.dumps(notebook, ensure_ascii=False).encode()


def saved_by_papermill(destination: str) -> Save:
    """A save through papermill's writers, for what is not a local file (``s3://…``)."""

    def save(notebook: NotebookNode, _: bool) -> None:
        from papermill.iorw import write_ipynb

        write_ipynb(notebook, destination)

    return save


def save_for(destination: str | None) -> Save:
    """The right save for a destination as papermill names it; None: nothing is saved.

    Into a device or a pipe papermill writes at its end, and twice is too often: a pipe's reader
    would be gone, and waited for.
    """
    if destination is None:
        return lambda *_: None
    if "://" in destination:
        return saved_by_papermill(destination)
    if _takes_what_is_written(Path(destination)):
        return lambda *_: None
    return saved_whole(Path(destination))
