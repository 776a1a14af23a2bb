"""``golden-path lab``: the notebooks in JupyterLab."""

from __future__ import annotations

import argparse
import os
import sys
from typing import NoReturn

from gp_helpers.cli.places import notebooks_folder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments: all that it is given."""
    parser.usage = "%(prog)s [-h] [OPTION ...]"
    parser.epilog = "Options are handed on to `jupyter lab`, as in: golden-path lab --no-browser"
    parser.set_defaults(handed_on=[])


def run(options: argparse.Namespace) -> NoReturn:
    """Become JupyterLab, in the folder of the notebooks."""
    folder = notebooks_folder()
    arguments = [sys.executable, "-m", "jupyterlab", str(folder), *options.handed_on]
    os.execv(sys.executable, arguments)
