"""A kernel's process from its fork to its end: what is the same for cold, warm and foreign kernels.

Every kernel leads a process group of its own, and dies with the keeper that forked it.
"""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Any, NoReturn

COLD_BOOT = """
import sys
del sys.path[0]
try: import gp_helpers
except ImportError: sys.path.append({root!r})
from gp_helpers.execution.kernels.kernel_process import run_cold
run_cold(sys.argv[1])
"""
PACKAGE_ROOT = str(Path(__file__).resolve().parents[3])


def become(request: dict[str, Any], *, lifeline: int, keeper_pid: int) -> NoReturn:
    """Turn a child that the keeper has just forked into the kernel of `request`."""
    from gp_helpers.cloud_run.death import die_with_parent

    os.setpgid(0, 0)
    die_with_parent(keeper_pid)
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGCHLD, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    log = _redirect_output(request["log"])
    os.chdir(request["cwd"])
    if request["kind"] == "warm":
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        _take_environment(request["environment"])
        _run(request, lifeline, log)
    arguments = list(request["argv"])
    if request["kind"] == "cold":
        os.set_inheritable(lifeline, True)
        told = json.dumps({**request, "lifeline": lifeline, "environment": {}})
        arguments = [sys.executable, "-c", COLD_BOOT.format(root=PACKAGE_ROOT), told]
    os.execvpe(arguments[0], arguments, request["environment"])


def run_cold(told: str) -> NoReturn:
    """Be a kernel in a new interpreter."""
    sys.argv[1:] = []
    request = json.loads(told)
    os.set_inheritable(request["lifeline"], False)
    _run(request, request["lifeline"], 2)


def _run(request: dict[str, Any], lifeline: int, log: int) -> NoReturn:
    from gp_helpers.cloud_run.death import die_at_end_of
    from gp_helpers.cloud_run.ending import end_process

    code = 1
    try:
        die_at_end_of([lifeline])
        # Its own descriptor: ipykernel redirects 2 into a pipe that dies with the process.
        faulthandler.enable(os.dup(log), all_threads=False)
        from gp_helpers.execution.kernels.application import run_kernel

        run_kernel(request["connection_file"], Path(request["recording"]))
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:
        os.write(log, traceback.format_exc().encode())
    finally:
        end_process(code)


def _redirect_output(log: str) -> int:
    """Give the process no input, its log as standard error, and nothing as standard output."""
    nothing = os.open(os.devnull, os.O_RDWR)
    written = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    os.dup2(written, 2)
    os.close(nothing)
    os.close(written)
    return 2


def _take_environment(environment: dict[str, str]) -> None:
    """Make up for what a new interpreter would have read from its environment at its start."""
    os.environ.clear()
    os.environ.update(environment)
    import time

    time.tzset()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
    backend = environment.get("MPLBACKEND")
    if backend and "matplotlib" in sys.modules:
        sys.modules["matplotlib"].rcParams["backend"] = backend
