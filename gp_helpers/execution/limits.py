"""How long a notebook and its cells may take, as it states it: what makes no sense is refused."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from nbformat import NotebookNode

from gp_helpers.execution.errors import NotebookFileError
from gp_helpers.execution.outcomes import DEFAULT_DEADLINE_S

_TIMEOUT_TAG = "timeout="
_LIKE_A_TIMEOUT_TAG = re.compile(r"\s*timeout\s*=.*", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Limits:
    """How long things may take, in seconds."""

    notebook_s: float = DEFAULT_DEADLINE_S
    cell_s: float | None = None
    """For cells without a tag of their own; None: only the notebook's deadline."""


def cell_limit(cell: NotebookNode) -> float | None:
    """The seconds of a cell's tag ``timeout=SECONDS``; `NotebookFileError` if it makes no sense."""
    tags = [tag for tag in cell.metadata.get("tags", []) if _LIKE_A_TIMEOUT_TAG.fullmatch(tag)]
    for tag in tags:
        stated = tag.removeprefix(_TIMEOUT_TAG)
        if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", stated) or float(stated) == 0:
            raise NotebookFileError(
                f"cell tag {tag!r}: expected {_TIMEOUT_TAG}SECONDS, a number above 0"
            )
    if len(tags) > 1:
        raise NotebookFileError(f"cell tags {', '.join(map(repr, tags))}: expected one of them")
    return float(tags[0].removeprefix(_TIMEOUT_TAG)) if tags else None


def check_cell_limits(notebook: NotebookNode, source: str) -> None:
    """Raise `NotebookFileError` if a cell's tag ``timeout=`` states no number."""
    for number, cell in enumerate(notebook.cells, start=1):
        try:
            cell_limit(cell)
        except NotebookFileError as error:
            raise NotebookFileError(f"{source}: cell {number}: {error}") from None


def stated_deadline(notebook: NotebookNode, source: str) -> float:
    """The seconds of ``deadline_s`` in a notebook's metadata ``golden_path``, else an hour.

    Raises:
        NotebookFileError: it is no number of seconds above 0.
    """
    about = notebook.metadata.get("golden_path", {})
    if not isinstance(about, dict):
        raise NotebookFileError(f"{source}: metadata golden_path: expected a mapping")
    stated = about.get("deadline_s", DEFAULT_DEADLINE_S)
    is_number = isinstance(stated, int | float) and not isinstance(stated, bool)
    if not is_number or not 0 < stated < math.inf:
        raise NotebookFileError(
            f"{source}: metadata golden_path.deadline_s: expected a number of seconds above 0, "
            f"found {stated!r}"
        )
    return float(stated)
