"""``golden-path lab``: the notebooks in JupyterLab."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import NoReturn

from gp_helpers.parameters import ParameterError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("options", nargs="*", help="handed on to `jupyter lab`")


def run(options: argparse.Namespace) -> NoReturn:
    """Become JupyterLab, in the folder of the notebooks."""
    folder = notebooks_folder()
    arguments = [sys.executable, "-m", "jupyterlab", str(folder), *options.options]
    os.execv(sys.executable, arguments)


def notebooks_folder() -> Path:
    """The folder of the notebooks: below this folder or above it, or beside the package."""
    root = Path(__file__).resolve().parents[2]
    for start in (Path.cwd(), *Path.cwd().parents, root):
        if (start / "notebooks" / "00_start_here.ipynb").is_file():
            return start / "notebooks"
    raise ParameterError("notebooks", [f"no folder of notebooks at or above {Path.cwd()}"])
