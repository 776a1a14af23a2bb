"""Errors of the runner.

ExecutionError
├── NotebookFileError   a notebook cannot be read, or asks for something impossible
├── KernelStartError    a kernel could not be started
├── KernelChannelError  the connection to a kernel broke
└── NotebookEndedError  a notebook ended before its last cell had completed
"""

from __future__ import annotations


class ExecutionError(Exception):
    """A notebook cannot be executed."""


class NotebookFileError(ExecutionError):
    """A notebook cannot be read, or asks for something impossible: raised before anything runs."""


class KernelStartError(ExecutionError):
    """A kernel could not be started; the message ends with what it said."""


class KernelChannelError(ExecutionError):
    """The connection to a kernel broke: a message could not be read."""


class NotebookEndedError(ExecutionError):
    """A notebook ended before its last cell had completed, and no cell shows an error."""
