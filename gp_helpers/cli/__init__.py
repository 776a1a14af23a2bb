"""The command line, ``golden-path``: one module a command, exit codes in one place."""

from gp_helpers.cli.main import as_a_process, main

__all__ = ["as_a_process", "main"]
