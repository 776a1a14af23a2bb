"""``golden-path lab``: the notebooks in JupyterLab."""

from __future__ import annotations

import argparse
import os
import sys
from typing import NoReturn

from gp_helpers.cli.places import notebooks_folder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("options", nargs="*", help="handed on to `jupyter lab`")


def run(options: argparse.Namespace) -> NoReturn:
    """Become JupyterLab, in the folder of the notebooks."""
    folder = notebooks_folder()
    arguments = [sys.executable, "-m", "jupyterlab", str(folder), *options.options]
    os.execv(sys.executable, arguments)
