"""Parses the command line and hands over to the module of the command."""

from __future__ import annotations

import argparse
import errno
import importlib
import os
import select
import sys
from collections.abc import Sequence
from typing import NoReturn

from gp_helpers.cloud_run.ending import end_process
from gp_helpers.evidence import ExitStatus

COMMANDS = {
    "run": "run the cases of an environment and leave evidence",
    "compare": "compare two runs: fixed, broken, still failing",
    "recheck": "derive every verdict of a run again from its histories",
    "report": "write a run's report again, its bundle or its failure patterns",
    "trend": "success rate and duration of each case over all runs",
    "target": "check a target against the live system, or write a first description",
    "platform": "serve the embedded platform alone",
    "cases": "list the 23 cases, their defects and findings",
    "soak": "run many trials without notebooks, and give rates with intervals",
    "matrix": "switch on every defect alone, and show which cases it breaks",
    "lab": "open the notebooks in JupyterLab",
}


_UNHEARD = 128 + 13
"""What a shell sees of a command that SIGPIPE ends: the pipe broke before the verdict was told."""


class _Parser(argparse.ArgumentParser):
    """Ends with the exit code for bad usage."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(ExitStatus.USAGE, f"{self.prog}: {message}\n")


def build_parser(only: str | None = None) -> argparse.ArgumentParser:
    """The parser; only the module of the command ``only`` is imported."""
    parser = _Parser(prog="golden-path", description=__doc__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, told in COMMANDS.items():
        command = commands.add_parser(name, help=told, description=told[0].upper() + told[1:] + ".")
        if name == only:
            importlib.import_module(f"gp_helpers.cli.{name}").add_arguments(command)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit code says how it went."""
    from gp_helpers.evidence import EvidenceError
    from gp_helpers.parameters import ParameterError
    from gp_helpers.plan import UnknownNameError

    given = list(sys.argv[1:] if arguments is None else arguments)
    asked = next((word for word in given if word in COMMANDS), None)
    parser = build_parser(asked)
    options, rest = parser.parse_known_args(given)
    if "handed_on" in options:
        options.handed_on = rest[1:] if rest[:1] == ["--"] else rest
    elif rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    module = importlib.import_module(f"gp_helpers.cli.{options.command}")
    try:
        status = int(module.run(options))
        sys.stdout.flush()
    except (ParameterError, UnknownNameError, EvidenceError) as error:
        print(error, file=sys.stderr)
        return ExitStatus.USAGE
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return ExitStatus.INTERRUPTED
    except OSError as error:
        if error.errno not in (errno.EPIPE, errno.EIO):
            raise
        _silence_a_broken_stdout()
        return _UNHEARD
    return status


def as_a_process() -> NoReturn:
    """Run the command of this process, and end it."""
    end_process(main())


def _silence_a_broken_stdout() -> None:
    """Where whoever read has gone (`| head`, a closed terminal); re-raises what else broke."""
    poll = select.poll()
    poll.register(sys.stdout, 0)
    if not any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0)):
        raise
    # The interpreter's own flush at the end is to find nothing broken.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    as_a_process()
