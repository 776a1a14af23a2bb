"""How a process of ours ends, and what tells it to.

It ends as the interpreter would, but for tearing down every module: with all that a kernel or a run
imports that alone takes a tenth of a second.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from contextlib import suppress
from typing import NoReturn


def signals_to_end() -> tuple[signal.Signals, ...]:
    """What tells a process to end; a closed terminal only where it is not ignored (``nohup``)."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    is_ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    return numbers if is_ignored else (*numbers, signal.SIGHUP)


def end_process(code: int) -> NoReturn:
    """Wait for threads, run what was registered for the end, flush, and end with this code."""
    try:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):  # closed, or nobody reads it: nobody can be told
                stream.flush()
    finally:
        os._exit(code)
