"""Short sessions of pytest, each in a process of its own, forked from one that has imported it all.

Half a second of processor time a session goes into imports; whose subject is what a session says
and how it ends need not pay that each time. The one that forks has a single thread.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import io
import json
import os
import runpy
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from tests.support.repository import ROOT

SECONDS = 60


def session(
    *arguments: str, cwd: Path = ROOT, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """What ``python`` with these arguments comes to: ``-m pytest …``, or a script of one's own."""
    asks, answers = _parent()
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        order = {
            "arguments": arguments,
            "cwd": str(cwd),
            "environ": os.environ | dict(variables or {}),
            "streams": [str(out), str(err)],
        }
        print(json.dumps(order), file=asks, flush=True)
        status = int(answers.readline())
        return subprocess.CompletedProcess(arguments, status, out.read_text(), err.read_text())


@functools.cache
def _parent() -> tuple[IO[str], IO[str]]:
    """Where the process of this test process is asked, and where it answers."""
    process = subprocess.Popen(
        [sys.executable, "-c", "from tests.support.sessions import serve; serve()"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    atexit.register(process.wait)
    atexit.register(process.stdin.close)
    return process.stdin, process.stdout


def serve() -> None:
    """Fork a session for each line that is read; tell how it ended."""
    import pytest

    import gp_helpers.execution.trials  # noqa: F401  # but not the plugin: pytest rewrites it

    with contextlib.redirect_stdout(io.StringIO()):
        pytest.main(["--version", "--version"])  # imports the plugins
    gc.freeze()
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _become(**json.loads(line))
            return
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _become(arguments: list[str], cwd: str, environ: dict[str, str], streams: list[str]) -> Any:
    """Be the Python that was asked for; ends as that does."""
    signal.alarm(SECONDS)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environ)
    for number, path in ((0, os.devnull), *enumerate(streams, start=1)):
        opened = os.open(path, os.O_RDWR | os.O_CREAT)
        os.dup2(opened, number)
        os.close(opened)
    if arguments[0] == "-m":
        sys.argv = arguments[1:]
        sys.path[0] = cwd
        return runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    sys.argv = arguments
    sys.path[0] = str(Path(cwd, arguments[0]).parent)
    return runpy.run_path(arguments[0], run_name="__main__")
