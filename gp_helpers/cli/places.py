"""Where the workbook's own folders are."""

from __future__ import annotations

from pathlib import Path

from gp_helpers.parameters import ParameterError


def notebooks_folder() -> Path:
    """The folder of the notebooks: below this folder or above it, or beside the package."""
    root = Path(__file__).resolve().parents[2]
    for start in (Path.cwd(), *Path.cwd().parents, root):
        if (start / "notebooks" / "00_start_here.ipynb").is_file():
            return start / "notebooks"
    raise ParameterError("notebooks", [f"no folder of notebooks at or above {Path.cwd()}"])
