"""Temporary folders that are gone after a run, even where whoever made them was killed."""

from __future__ import annotations

import os
from tempfile import TemporaryDirectory

TEMPORARY_VARIABLE = "GOLDEN_PATH_TEMPORARY"
"""Names the folder to make them in; its owner removes it when those who write there have ended."""


def temporary_folder() -> TemporaryDirectory[str]:
    """A temporary folder, removed with the context; where no run owns us, the system's place."""
    stated = os.environ.get(TEMPORARY_VARIABLE)
    return TemporaryDirectory(
        prefix="golden-path-", dir=stated if stated and os.path.isdir(stated) else None
    )
