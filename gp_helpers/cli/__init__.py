"""The command line, ``golden-path``: one module a command, exit codes in one place."""

from gp_helpers.cli.main import main

__all__ = ["main"]
